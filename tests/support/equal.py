"""Two stores of one study are equal, array by array and table by table."""

from pathlib import Path

from bisae.store import Store

APART = ("tables/timings/", "tables/lr_search/")
"""What two builds of a study may differ in, or what only one of them may have."""


def data_files(store: Store) -> dict[str, bytes]:
    """The bytes of every file of the Zarr hierarchy and of every table, by its path."""
    root = Path(str(store.path))
    files = [*(root / "bisae.zarr").rglob("*"), *(root / "tables").rglob("*")]
    paths = {str(file.relative_to(root)): file for file in files if file.is_file()}
    return {
        path: file.read_bytes()
        for path, file in paths.items()
        if not path.startswith(APART)
    }


def assert_equal_stores(store: Store, reference: Store) -> None:
    """Fail unless all arrays, their metadata and all tables are equal to the byte."""
    actual, expected = data_files(store), data_files(reference)
    assert actual.keys() == expected.keys()
    different = [path for path in expected if actual[path] != expected[path]]
    assert different == []
