"""Two builds of one study are equal to the byte, and no file of a store names the
folder, host or user that it was built with. What cannot be equal stands apart.
"""

import json
import re
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr

from bisae.files import any_path
from bisae.grid import Cell, Selection
from bisae.pipeline.build import build
from bisae.query import (
    database,
    write_tables,
)
from bisae.store import (
    Store,
    create_store,
    open_store,
    provenance_of,
    table_file,
    table_names,
)
from bisae.study import Study, dump_study, load_study, portable

USER = "somebody-with-a-rare-name"
APART = ("leases/", "tables/timings/")
"""What differs between two builds."""
STUDY = "tiny.toml"
CELL = Cell("S", 40, 2)


@pytest.fixture(scope="module")
def again(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One checkpoint of the tiny study, built in a deeper folder by somebody else."""
    home = Path(str(tiny.path)).parent
    folder = tmp_path_factory.mktemp("again") / "a" / "deeper" / "folder"
    for name in ("text", "checkpoints"):
        shutil.copytree(home / name, folder / name)
    shutil.copy(home / STUDY, folder / STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", USER)
        only = Selection(frozenset({CELL.size}), frozenset({CELL.step}))
        return build(load_study(folder / STUDY), only)


def files_of(store: Store) -> dict[str, Path]:
    """The files of a store that do not differ between builds, by their paths in it."""
    root = Path(str(store.path))
    paths = {str(file.relative_to(root)): file for file in root.rglob("*")}
    return {
        path: file
        for path, file in paths.items()
        if file.is_file() and not path.startswith(APART)
    }


def test_two_builds_are_equal_to_the_byte(tiny: Store, again: Store) -> None:
    first, second = files_of(tiny), files_of(again)
    n_cells = sum(path.endswith("sae/zarr.json") for path in second)
    assert n_cells == len([cell for cell in tiny.cells if cell[:2] == CELL[:2]])
    assert second.keys() <= first.keys()
    assert {path.split("/")[0] for path in first} == {
        "study.toml",
        "bisae.zarr",
        "tables",
    }
    different = [
        path
        for path, file in second.items()
        if file.read_bytes() != first[path].read_bytes()
    ]
    assert different == []


def text_in(file: Path) -> str:
    """What a file says in words: of a table its metadata, and values that are text."""
    if file.suffix != ".parquet":
        return file.read_bytes().decode(errors="ignore")
    table = pq.read_table(file, partitioning=None)
    columns = [item for item in table.columns if not pa.types.is_primitive(item.type)]
    values = [str(value) for column in columns for value in column.to_pylist()]
    return "\n".join([str(table.schema.metadata), *values])


@pytest.mark.parametrize("name", ["tiny", "again"])
def test_no_file_says_where_or_by_whom_it_was_built(
    request: pytest.FixtureRequest, name: str
) -> None:
    store: Store = request.getfixturevalue(name)
    root = Path(str(store.path))
    host = socket.gethostname()
    files = [file for file in root.rglob("*") if file.is_file()]
    assert len(files) > 50
    for file in files:
        text = text_in(file)
        for trace in (str(root.parent), str(Path.home()), USER):
            assert trace not in text, file
        # Names of hosts may be short: noise in numbers, or a token.
        if file.suffix in {".json", ".toml"} or "timings" in str(file):
            assert not re.search(rf"\b{re.escape(host)}\b", text), file
    hierarchy: Any = zarr.open_group(str(store.zarr), mode="r", use_consolidated=False)
    for path in ("corpus/eval/token_id", f"cells/{CELL}/codes/index"):
        assert str(root.parent).encode() not in hierarchy[path][:].tobytes()


def test_a_lease_that_is_held_says_by_whom(again: Store) -> None:
    with again.lease("S/0"):
        (file,) = (Path(str(again.path)) / "leases" / "S").glob("0.*.json")
        assert json.loads(file.read_text())["host"] == socket.gethostname()
    assert json.loads(file.read_text())["host"] == ""


@pytest.mark.parametrize("table", [*table_names("cell"), *table_names("study")])
def test_the_bytes_of_a_table_are_of_its_rows_alone(
    tiny: Store, table: str, tmp_path: Path
) -> None:
    """Written from its rows shuffled in two ways, by one thread and by four."""
    cell = tiny.study.model("S").middle_cell if table in table_names("cell") else None
    file = table_file(tiny, table, cell)
    if not file.exists():
        pytest.skip("the tiny study has no such table; it has the same writer")
    created, files = provenance_of(file), []
    address = "exclude (size, step, layer)" if cell else ""
    for threads in (1, 4):
        copy = Store(any_path(tmp_path / str(threads)), tiny.study)
        files.append(table_file(copy, table, cell))
        with closing(database()) as con:
            con.execute("set threads = 1")
            con.execute(f"select setseed({threads / 8})")
            con.execute(
                f"create table {table} as select * {address} from read_parquet("
                f"'{file}', hive_partitioning = false) order by random()"
            )
            con.execute(f"set threads = {threads}")
            write_tables(con, copy, {table: created}, cell)
    assert files[0].read_bytes() == files[1].read_bytes()
    stored, written = (
        pq.read_table(str(item), partitioning=None) for item in (file, files[0])
    )
    assert written.to_pylist() == stored.to_pylist()


def test_row_groups_do_not_depend_on_threads(tiny: Store, tmp_path: Path) -> None:
    files = []
    for threads in (1, 4):
        with closing(database()) as con:
            con.execute(f"set threads = {threads}")
            con.execute(
                "create table tokens as select hash(range) % 1000 as value, "
                "range from range(400_000)"
            )
            copy = Store(any_path(tmp_path / str(threads)), tiny.study)
            write_tables(con, copy, {"tokens": {}})
            files.append(table_file(copy, "tokens"))
    assert pq.read_metadata(str(files[0])).num_row_groups > 2
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_study_that_is_moved_with_its_store_finds_its_checkpoints(
    tiny: Store, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    written = (Path(str(tiny.path)) / "study.toml").read_text()
    shutil.copytree(str(tiny.zarr), tmp_path / "store" / "bisae.zarr")
    (tmp_path / "store" / "study.toml").write_text(written)
    moved = open_store(tmp_path / "store").study
    assert moved.model("S").checkpoint == str(tmp_path / "checkpoints/S/{step}")
    assert moved.corpus.text[0].files == (str(tmp_path / "text/en.jsonl"),)
    assert moved.pairs
    assert moved.pairs.files == (str(tmp_path / "text/pairs.jsonl"),)
    assert moved.store == str(tmp_path / "store")
    assert dump_study(portable(moved)) + "#" == written[: written.index("#") + 1]


def paths_in_store(study: Study, **changed: str) -> list[str]:
    """The store's paths of checkpoint, text and store, for a study file with others."""
    raw = study.model_dump(mode="json", exclude_none=True)
    raw["models"][0]["checkpoint"] = changed.get("checkpoint", "./lm/{step}")
    if changed.get("checkpoint") == "org/lm":
        raw["models"][0]["revision"] = "step{step}"
    raw["corpus"]["text"][0]["files"] = [changed.get("text", "text/en.jsonl")]
    raw["store"] = changed.get("store", "store")
    import tomli_w

    file = Path(changed["folder"]) / "study.toml"
    file.write_text(tomli_w.dumps(raw))
    remaining = portable(load_study(file))
    return [
        remaining.models[0].checkpoint,
        remaining.corpus.text[0].files[0],
        remaining.store,
    ]


@pytest.mark.parametrize(
    ("changed", "checkpoint", "text"),
    [
        ({}, "../lm/{step}", "../text/en.jsonl"),
        ({"store": "./runs/a"}, "../../lm/{step}", "../../text/en.jsonl"),
        ({"checkpoint": "org/lm"}, "org/lm", "../text/en.jsonl"),
        ({"checkpoint": "/lm/{step}"}, "/lm/{step}", "../text/en.jsonl"),
        ({"checkpoint": "~/lm/{step}"}, "~/lm/{step}", "../text/en.jsonl"),
        ({"text": "$TEXTS/a*.jsonl"}, "../lm/{step}", "$TEXTS/a*.jsonl"),
        ({"text": "../a.jsonl"}, "../lm/{step}", "../../a.jsonl"),
        ({"store": "/elsewhere/store"}, "./lm/{step}", "./text/en.jsonl"),
        ({"store": "../store"}, "./lm/{step}", "./text/en.jsonl"),
        ({"store": "s3://bucket/store"}, "./lm/{step}", "./text/en.jsonl"),
    ],
)
def test_a_store_keeps_paths_as_the_study_writes_them(
    tiny_study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    checkpoint: str,
    text: str,
) -> None:
    monkeypatch.setenv("TEXTS", str(tmp_path / "texts"))
    actual = paths_in_store(tiny_study, folder=str(tmp_path), **changed)
    assert actual == [checkpoint, text, "."]


def test_a_cell_names_its_checkpoint_relative_to_the_store(again: Store) -> None:
    assert again.attributes(CELL, "sae")["model"] == "../checkpoints/S/40"
    rows = pq.read_table(str(table_file(again, "cells", CELL)), partitioning=None)
    assert rows["model"].to_pylist() == ["../checkpoints/S/40"]
    assert "train_seconds" not in rows.column_names


def test_the_store_of_a_study_is_made_again(tiny: Store, tmp_path: Path) -> None:
    """A store that is opened and made again keeps its study.toml to the byte."""
    written = (Path(str(tiny.path)) / "study.toml").read_bytes()
    shutil.copytree(str(tiny.path), tmp_path / "store")
    create_store(open_store(tmp_path / "store").study)
    assert (tmp_path / "store" / "study.toml").read_bytes() == written
