"""Links to a store are followed; nothing is written through links inside it.

A store that somebody sends may hold a link to any file of ours.
"""

import os
import shutil
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import bisae
from bisae.cli import main
from bisae.disk import ABANDONED, atomic_write, target_of
from bisae.errors import StoreError
from bisae.files import (
    any_path,
    create,
    literal,
    make_folder,
    remove,
    replace,
    resolve_links,
)
from bisae.grid import Cell
from bisae.query import connect
from bisae.report.files import write
from bisae.store import Store, open_store, table_file
from bisae.store.transfer import copy_cells, remove_cells
from support import DATA

CELL = Cell("S", 5, 1)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder of ours, with a file of ours, that a stranger's store links to."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "file").write_text("ours")
    return folder


# -- temporary files ---------------------------------------------------------------


def test_a_temporary_file_is_new_and_its_name_random(tmp_path: Path) -> None:
    names = set()
    for _ in range(2):
        with atomic_write(tmp_path / "rows") as partial:
            assert partial.stat().st_size == 0
            assert target_of(partial.name) == "rows"
            names.add(partial.name)
    assert len(names) == 2


def test_a_planted_temporary_name_is_not_written(tmp_path: Path, ours: Path) -> None:
    link = tmp_path / ".rows.partial"  # the name that earlier versions always took
    link.symlink_to(ours / "file")
    replace(any_path(tmp_path / "rows"), "theirs")
    assert (ours / "file").read_text() == "ours"
    assert (tmp_path / "rows").read_text() == "theirs"


def test_a_file_that_is_a_link_is_replaced_itself(tmp_path: Path, ours: Path) -> None:
    (tmp_path / "rows").symlink_to(ours / "file")
    replace(any_path(tmp_path / "rows"), "theirs")
    assert (ours / "file").read_text() == "ours"
    assert not (tmp_path / "rows").is_symlink()


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    old, young, of_another = (
        tmp_path / f".{name}.{16 * digit}.partial"
        for name, digit in (("rows", "a"), ("rows", "b"), ("rows.sha256", "a"))
    )
    for file in (old, young, of_another):
        file.touch()
    before = old.stat().st_mtime - ABANDONED - 1
    for file in (old, of_another):
        os.utime(file, (before, before))
    replace(any_path(tmp_path / "rows"), "new")
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {"rows", young.name, of_another.name}


# -- links inside a store ----------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda file: replace(file, "theirs"),
        lambda file: create(file, "theirs"),
        lambda file: write(file, "theirs"),
        lambda file: make_folder(file.parent / "new"),
        remove,
    ],
    ids=["replace", "create", "write", "make_folder", "remove"],
)
def test_nothing_changes_through_a_link(
    tmp_path: Path, ours: Path, change: Callable[..., object]
) -> None:
    (tmp_path / "link").symlink_to(ours)
    with pytest.raises(StoreError, match=f"leads through a link to {ours}.*; nothing"):
        change(any_path(tmp_path / "link" / "file"))
    assert [file.name for file in ours.iterdir()] == ["file"]
    assert (ours / "file").read_text() == "ours"


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path, ours: Path) -> None:
    (tmp_path / "link").symlink_to(ours)
    remove(any_path(tmp_path / "link"))
    assert not (tmp_path / "link").exists()
    assert (ours / "file").read_text() == "ours"


@pytest.mark.parametrize("name", ["reports", "reports/tables", "leases", "tables"])
def test_a_command_refuses_a_linked_folder(copy: Store, ours: Path, name: str) -> None:
    link = Path(str(copy.path)) / name
    if link.exists():
        shutil.move(link, ours / link.name)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(ours / link.name if (ours / link.name).exists() else ours)
    before = sorted(ours.rglob("*"))
    command = "uncertainty" if name == "tables" else "report"
    result = CliRunner().invoke(main, [command, str(copy.path)])
    assert result.exit_code == 1
    (line,) = [item for item in result.stderr.splitlines() if item.startswith("Error")]
    assert f"{link}" in line
    assert "through a link" in line
    assert sorted(ours.rglob("*")) == before


def test_cells_are_not_removed_or_copied_through_a_link(
    copy: Store, ours: Path, tmp_path: Path
) -> None:
    tables = table_file(copy, "features", CELL).parent.parent
    shutil.move(str(tables), ours / "theirs")
    Path(str(tables)).symlink_to(ours / "theirs")
    before = sorted(ours.rglob("*"))
    with pytest.raises(StoreError, match="through a link"):
        remove_cells(copy, [CELL])
    assert sorted(ours.rglob("*")) == before
    second = tmp_path / "other"
    (second / "bisae.zarr").mkdir(parents=True)
    shutil.copy(str(copy.path / "study.toml"), second / "study.toml")
    shutil.copy(str(copy.zarr / "zarr.json"), second / "bisae.zarr" / "zarr.json")
    (second / "bisae.zarr" / "corpus").symlink_to(ours)
    (second / "bisae.zarr" / "cells").symlink_to(ours)
    with pytest.raises(StoreError, match="through a link"):
        copy_cells(copy, any_path(second), bisae.grid.Selection(frozenset({"S"})))
    assert sorted(ours.rglob("*")) == before


# -- links and odd names that lead to a store --------------------------------------


@pytest.fixture(params=["link", "[v1] *?", "50%25 lr=1"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The frozen store, below a name that is no plain one."""
    folder = tmp_path / str(request.param)
    with zipfile.ZipFile(DATA / "store-v1.zip") as packed:
        packed.extractall(tmp_path / "plain")
    if request.param == "link":
        folder.symlink_to(tmp_path / "plain")
    else:
        (tmp_path / "plain").rename(folder)
    return folder / "store"


@pytest.mark.parametrize("fenced", [True, False])
def test_a_store_answers_whatever_its_path(odd: Path, *, fenced: bool) -> None:
    query = "select count(*), count(distinct layer), max(step) from features"
    with closing(bisae.open(odd).connect(fenced=fenced, query=query)) as con:
        ((n_features, *rest),) = con.execute(query).fetchall()
        columns = con.execute("from features limit 0").description
    assert n_features > 0
    assert rest == [2, 5]
    names = [column[0] for column in columns]
    assert names[:3] == ["size", "step", "layer"]
    assert not [name for name in names if "lr" in name]


def test_a_pattern_is_a_pattern_still(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "store-v1.zip") as packed:
        packed.extractall(tmp_path)
    opened = open_store(tmp_path / "store")
    count = "select count(*) from "
    with closing(connect(opened, fenced=True, query="from features")) as con:
        pattern = f"read_parquet('bisae://{opened.tables}/features/**/*.parquet')"
        both = [con.execute(count + t).fetchall() for t in (pattern, "features")]
    assert both[0] == both[1]


def test_a_catalog_answers_whatever_its_stores_path(odd: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "store.duckdb")
    result = CliRunner().invoke(main, ["catalog", str(odd), "--output", file])
    assert result.exit_code == 0, result.output
    with duckdb.connect(file, read_only=True) as con:
        assert con.execute("select count(*) from cells").fetchall() == [(4,)]


def test_a_path_without_links_stays_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert str(resolve_links(any_path("folder/store"))) == "folder/store"
    assert str(resolve_links(any_path("link/store"))) == str(
        tmp_path / "folder" / "store"
    )
    assert str(resolve_links(any_path("s3://bucket/link"))) == "s3://bucket/link"


def test_a_literal_is_no_pattern(tmp_path: Path) -> None:
    for name in ("a[1]*?", "a1xy"):
        (tmp_path / name).touch()
    assert list(tmp_path.glob(literal("a[1]*?"))) == [tmp_path / "a[1]*?"]


def test_a_linked_store_is_opened_where_it_is(tiny: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(str(tiny.path))
    assert open_store(tmp_path / "link").path == tiny.path
