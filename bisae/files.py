"""Files that are there whole or not at all, and on the disk when they are there."""

import os
from pathlib import Path


def replace(path: Path, data: str | bytes) -> None:
    """Write a file under a temporary name, sync it, then give it its own name."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data.encode() if isinstance(data, str) else data)
    sync(partial)
    partial.replace(path)


def sync(path: Path) -> None:
    """Force a file, or all files below a folder, to the disk."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
