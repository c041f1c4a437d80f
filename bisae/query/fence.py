"""A read-only window on the store for queries that users write.

DuckDB's own switches leave ways to write; a file system that can only open for reading,
under a scheme of its own and with everything else forbidden, does not.
"""

from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

SCHEME = "bisae"


class ReadOnlyFiles(LocalFileSystem):  # type: ignore[misc]
    """The local files below one folder, for reading."""

    protocol = (SCHEME,)
    cachable = False

    def __init__(self, root: Path) -> None:
        super().__init__(auto_mkdir=False)
        self._allowed = root.resolve()

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix(f"{SCHEME}://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb" or not Path(path).resolve().is_relative_to(self._allowed):
            msg = f"queries may only read the store's tables, not {path} ({mode})"
            raise PermissionError(msg)
        return super()._open(path, mode, **options)


def enclose(con: Any, root: Path) -> None:
    """Let a connection read files below `root`, as `bisae://`, and nothing else."""
    folder = f"{SCHEME}://{root.resolve()}".replace("'", "''")
    con.execute(f"set allowed_directories = ['{folder}/']")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
