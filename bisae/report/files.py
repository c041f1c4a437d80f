"""Write a file of the report so that it is there whole or not at all."""

from pathlib import Path

from bisae.errors import StoreError
from bisae.files import replace


def write(file: Path, content: str | bytes) -> None:
    """Write a file in a folder that may not be there. Raises StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, content)
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror or error}; free it and run again"
        raise StoreError(msg) from error
