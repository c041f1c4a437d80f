"""Write a file of the report atomically."""

from bisae.errors import StoreError
from bisae.files import AnyPath, make_folder, replace


def write(file: AnyPath, content: str | bytes) -> None:
    """Write a file and create its folder if needed. Raises StoreError."""
    try:
        make_folder(file.parent)
        replace(file, content)
    except StoreError:
        raise
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror or error}; free it and run again"
        raise StoreError(msg) from error
