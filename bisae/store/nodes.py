"""The metadata of groups: reading it, and finishing a part.

A part is a group whose arrays are finished together: the corpus; of a cell `sae`,
`train` and `codes`. Its `complete` is set last, and the sums of its metadata stand
beside it, written just before.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from bisae.files import Place, beside, make_folder, read, replace, sync
from bisae.store.format import document
from bisae.store.layout import DOCUMENT
from bisae.store.metadata import group_attributes


def read_group(folder: Place) -> dict[str, Any] | None:
    """The attributes of a group, or None. Raises StoreError for what is no group."""
    try:
        return group_attributes(folder / DOCUMENT)
    except (FileNotFoundError, NotADirectoryError):
        return None


def ensure_group(folder: Place, attributes: dict[str, Any]) -> None:
    """Write a group's metadata unless it is there."""
    if not (folder / DOCUMENT).exists():
        make_folder(folder)
        replace(folder / DOCUMENT, document(attributes))


def finish(folder: Place, attributes: dict[str, Any], nodes: Iterable[str]) -> None:
    """Mark a part complete once everything in it is on the disk.

    `nodes` are the paths of its arrays and groups.
    """
    sync(folder)
    last = document(attributes | {"complete": True})
    lines = [f"{_sha256(last.encode())}  {folder.name}/{DOCUMENT}"]
    for node in sorted(nodes):
        found = read(folder / node / DOCUMENT)
        lines.append(f"{_sha256(found)}  {folder.name}/{node}/{DOCUMENT}")
    replace(beside(folder), "\n".join(lines) + "\n")
    replace(folder / DOCUMENT, last)


def changed_metadata(folder: Place) -> list[Place]:
    """The metadata files of a part that are not what its sums say, or the sums."""
    sums = beside(folder)
    try:
        lines = [one.split("  ") for one in read(sums).decode().splitlines()]
        told = {name: value for value, name in lines}
    except (OSError, ValueError):
        return [sums]
    # A path of any other kind would lead out of the part.
    of_part = re.compile(rf"{re.escape(folder.name)}(/\w+)*/{re.escape(DOCUMENT)}")
    if f"{folder.name}/{DOCUMENT}" not in told or not all(map(of_part.fullmatch, told)):
        return [sums]
    return [folder.parent / name for name in told if not _is(folder, name, told[name])]


def _is(folder: Place, name: str, sha256: str) -> bool:
    try:
        return _sha256(read(folder.parent / name)) == sha256
    except (OSError, ValueError):
        return False


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
