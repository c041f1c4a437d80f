"""Verify one part: its metadata, then every chunk, then the values of its rows."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bisae.errors import Damaged, StoreError
from bisae.files import checksum_file, relative
from bisae.store import Array, Store
from bisae.store.format import Node
from bisae.store.guard import read_rows
from bisae.store.layout import DOCUMENT, LAYOUT, SUMS
from bisae.store.nodes import changed_metadata, read_group
from bisae.store.part import fingerprint
from bisae.store.verify.expected import Expected
from bisae.store.verify.findings import Finding

MAX_DAMAGED_CHUNKS = 100
"""Damaged chunks of a part that are listed; a false shape could have any number."""


def is_finished(store: Store, path: str) -> bool:
    """Say if a part is finished, or was before it was damaged.

    A part gets its fingerprint and `complete` in one write, so either one is proof.
    """
    folder = store.zarr / path
    try:
        attributes = read_group(folder)
    except StoreError:
        return True
    if attributes is None:
        return checksum_file(folder).exists()
    return bool(attributes.get("complete")) or "fingerprint" in attributes


def check_part(
    store: Store, path: str, expect: Callable[[], Expected]
) -> Iterator[Finding]:
    """Yield everything that is wrong with a finished part.

    `expect` is called once the part's metadata are known to be unchanged.
    """
    folder, array_path = store.zarr / path, f"bisae.zarr/{path}"
    if changed := changed_metadata(folder):
        for file in changed:
            what = f"is not what {checksum_file(folder).name} says"
            yield Finding(relative(file, store.path), what)
        return
    expected, attributes = expect(), read_group(folder) or {}
    if not attributes.get("complete"):
        yield Finding(f"{array_path}/{DOCUMENT}", "is not complete")
        return
    sums: Mapping[str, str] = attributes.get(SUMS, {})
    for name, value in expected.attributes.items():
        if attributes.get(name) != value:
            what = f"says {name} = {attributes.get(name)}, not {value}"
            yield Finding(f"{array_path}/{DOCUMENT}", what)
    if set(sums) != set(expected.shapes):
        what = f"lists {', '.join(sorted(sums))}, not {', '.join(expected.shapes)}"
        yield Finding(f"{array_path}/{DOCUMENT}", what)
        return
    if attributes.get("fingerprint") != fingerprint(sums):
        yield Finding(f"{array_path}/{DOCUMENT}", "has the fingerprint of other arrays")
    for names in expected.groups:
        try:
            arrays = {name: store.array(f"{path}/{name}") for name in names}
        except StoreError as error:
            yield Finding(array_path, str(error))
            continue
        wrong = list(_wrong_arrays(array_path, arrays, expected))
        yield from wrong or _check_rows(array_path, arrays, sums, expected)


def _wrong_arrays(
    array_path: str, arrays: Mapping[str, Node], expected: Expected
) -> Iterator[Finding]:
    """Yield arrays whose shape or type is not the format's."""
    rows = next(iter(arrays.values())).shape[0]
    for name, array in arrays.items():
        expected_shape = tuple(rows if n is None else n for n in expected.shapes[name])
        spec = LAYOUT["array"][name.rpartition("/")[2]]
        if array.shape != expected_shape:
            yield Finding(
                f"{array_path}/{name}", f"has shape {array.shape}, not {expected_shape}"
            )
        if array.dtype.name not in (spec["dtype"], spec.get("wide_dtype")):
            yield Finding(
                f"{array_path}/{name}", f"is {array.dtype}, not {spec['dtype']}"
            )


def _check_rows(
    array_path: str,
    arrays: Mapping[str, Node],
    sums: Mapping[str, str],
    expected: Expected,
) -> Iterator[Finding]:
    """Check every row of a group of arrays."""
    size = next(iter(arrays.values())).shape[0]
    step = max((array.shards or array.chunks)[0] for array in arrays.values())
    digests: dict[str, Any] = {name: hashlib.sha256() for name in arrays}
    n_damaged = 0
    for first in range(0, size, step):
        last = min(first + step, size)
        if n_damaged > MAX_DAMAGED_CHUNKS:
            yield Finding(
                array_path, f"the rest, from row {first:,} on, is not checked"
            )
            break
        rows: dict[str, Array] = {}
        for name, array in arrays.items():
            try:
                values = read_rows(array, f"{array_path}/{name}", slice(first, last))
            except Damaged as error:
                yield Finding(error.where, error.reason)
                n_damaged += 1
                digests.pop(name, None)
                continue
            rows[name] = values
            if name in digests:
                digests[name].update(values.data)
        if len(rows) == len(arrays) and (problem := expected.rule(first, rows)):
            where = f"{array_path}/{', '.join(arrays)}, rows {first:,} to {last - 1:,}"
            yield Finding(where, problem)
    for name, digest in digests.items():
        if digest.hexdigest() != sums[name]:
            yield Finding(f"{array_path}/{name}", "is not what was written")
