"""Read the metadata of groups, and finish a part.

A part is a group whose arrays are finished together: the corpus, and a cell's `sae`,
`train` and `codes`. Its `complete` is set last; a file with the checksums of its
metadata is written next to it just before.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from bisae.files import AnyPath, checksum_file, make_folder, read, replace, sync
from bisae.store.format import document
from bisae.store.layout import DOCUMENT
from bisae.store.metadata import group_attributes


def read_group(folder: AnyPath) -> dict[str, Any] | None:
    """Read a group's attributes; None without a group. Raises StoreError if damaged."""
    try:
        return group_attributes(folder / DOCUMENT)
    except (FileNotFoundError, NotADirectoryError):
        return None


def ensure_group(folder: AnyPath, attributes: dict[str, Any]) -> None:
    """Write a group's metadata unless it exists."""
    if not (folder / DOCUMENT).exists():
        make_folder(folder)
        replace(folder / DOCUMENT, document(attributes))


def finish(folder: AnyPath, attributes: dict[str, Any], nodes: Iterable[str]) -> None:
    """Mark a part complete once everything in it is on disk.

    `nodes` are the paths of its arrays and groups.
    """
    sync(folder)
    last = document(attributes | {"complete": True})
    lines = [f"{_sha256(last.encode())}  {folder.name}/{DOCUMENT}"]
    for node in sorted(nodes):
        metadata = read(folder / node / DOCUMENT)
        lines.append(f"{_sha256(metadata)}  {folder.name}/{node}/{DOCUMENT}")
    replace(checksum_file(folder), "\n".join(lines) + "\n")
    replace(folder / DOCUMENT, last)


def changed_metadata(folder: AnyPath) -> list[AnyPath]:
    """List metadata files of a part that differ from their checksums.

    The checksum file itself is listed if it is missing or malformed.
    """
    checksums = checksum_file(folder)
    try:
        lines = [line.split("  ") for line in read(checksums).decode().splitlines()]
        expected = {name: checksum for checksum, name in lines}
    except (OSError, ValueError):
        return [checksums]
    # Any other path would lead out of the part.
    inside = re.compile(rf"{re.escape(folder.name)}(/\w+)*/{re.escape(DOCUMENT)}")
    if f"{folder.name}/{DOCUMENT}" not in expected or not all(
        map(inside.fullmatch, expected)
    ):
        return [checksums]
    return [
        folder.parent / name
        for name, checksum in expected.items()
        if not _matches(folder, name, checksum)
    ]


def _matches(folder: AnyPath, name: str, sha256: str) -> bool:
    try:
        return _sha256(read(folder.parent / name)) == sha256
    except (OSError, ValueError):
        return False


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
