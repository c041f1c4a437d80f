"""Write a file of the report so that it is there whole or not at all."""

from pathlib import Path

from bisae.errors import StoreError


def write(file: Path, content: str | bytes) -> None:
    """Write under a temporary name, then rename. Raises StoreError."""
    data = content.encode() if isinstance(content, str) else content
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(file)
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror or error}; free it and run again"
        raise StoreError(msg) from error
