"""One part, looked at: its metadata, then every chunk, then what the rows hold."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bisae.errors import Damaged, StoreError
from bisae.files import beside, relative
from bisae.store import Array, Store
from bisae.store.format import Node
from bisae.store.guard import read_rows
from bisae.store.layout import DOCUMENT, LAYOUT, SUMS
from bisae.store.nodes import changed_metadata, read_group
from bisae.store.part import fingerprint
from bisae.store.verify.expected import Expected
from bisae.store.verify.findings import Finding

MOST_DAMAGED = 100
"""Chunks of a part that are named; a shape that is a lie would have any number."""


def is_finished(store: Store, path: str) -> bool:
    """Whether a part is finished, or was before it was damaged.

    A part gets its fingerprint and `complete` in one write, so either tells.
    """
    folder = store.zarr / path
    try:
        found = read_group(folder)
    except StoreError:
        return True
    if found is None:
        return beside(folder).exists()
    return bool(found.get("complete")) or "fingerprint" in found


def check_part(
    store: Store, path: str, expect: Callable[[], Expected]
) -> Iterator[Finding]:
    """All that is wrong with a finished part.

    `expect` is asked once the part's metadata are known to be whole.
    """
    folder, home = store.zarr / path, f"bisae.zarr/{path}"
    if changed := changed_metadata(folder):
        for file in changed:
            what = f"is not what {beside(folder).name} says"
            yield Finding(relative(file, store.place), what)
        return
    expected, found = expect(), read_group(folder) or {}
    if not found.get("complete"):
        yield Finding(f"{home}/{DOCUMENT}", "is not complete")
        return
    sums: Mapping[str, str] = found.get(SUMS, {})
    for name, value in expected.told.items():
        if found.get(name) != value:
            what = f"says {name} = {found.get(name)}, not {value}"
            yield Finding(f"{home}/{DOCUMENT}", what)
    if set(sums) != set(expected.shapes):
        what = f"tells of {', '.join(sorted(sums))}, not {', '.join(expected.shapes)}"
        yield Finding(f"{home}/{DOCUMENT}", what)
        return
    if found.get("fingerprint") != fingerprint(sums):
        yield Finding(f"{home}/{DOCUMENT}", "has the fingerprint of other arrays")
    for names in expected.groups:
        try:
            arrays = {name: store.array(f"{path}/{name}") for name in names}
        except StoreError as error:
            yield Finding(home, str(error))
            continue
        wrong = list(_wrong_arrays(home, arrays, expected))
        yield from wrong or _check_rows(home, arrays, sums, expected)


def _wrong_arrays(
    home: str, arrays: Mapping[str, Node], expected: Expected
) -> Iterator[Finding]:
    """Arrays whose shape or type is not the format's."""
    rows = next(iter(arrays.values())).shape[0]
    for name, array in arrays.items():
        wanted = tuple(rows if n is None else n for n in expected.shapes[name])
        spec = LAYOUT["array"][name.rpartition("/")[2]]
        if array.shape != wanted:
            yield Finding(f"{home}/{name}", f"has shape {array.shape}, not {wanted}")
        if array.dtype.name not in (spec["dtype"], spec.get("wide_dtype")):
            yield Finding(f"{home}/{name}", f"is {array.dtype}, not {spec['dtype']}")


def _check_rows(
    home: str, arrays: Mapping[str, Node], sums: Mapping[str, str], expected: Expected
) -> Iterator[Finding]:
    """Every row of arrays that stand side by side."""
    size = next(iter(arrays.values())).shape[0]
    step = max((array.shards or array.chunks)[0] for array in arrays.values())
    digests: dict[str, Any] = {name: hashlib.sha256() for name in arrays}
    n_damaged = 0
    for first in range(0, size, step):
        last = min(first + step, size)
        if n_damaged > MOST_DAMAGED:
            yield Finding(home, f"the rest, from row {first:,} on, is not looked at")
            break
        rows: dict[str, Array] = {}
        for name, array in arrays.items():
            try:
                found = read_rows(array, f"{home}/{name}", slice(first, last))
            except Damaged as error:
                yield Finding(error.where, error.reason)
                n_damaged += 1
                digests.pop(name, None)
                continue
            rows[name] = found
            if name in digests:
                digests[name].update(found.data)
        if len(rows) == len(arrays) and (wrong := expected.rule(first, rows)):
            where = f"{home}/{', '.join(arrays)}, rows {first:,} to {last - 1:,}"
            yield Finding(where, wrong)
    for name, digest in digests.items():
        if digest.hexdigest() != sums[name]:
            yield Finding(f"{home}/{name}", "is not what was written")
