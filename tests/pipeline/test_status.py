"""`bisae status`: what is built, by whom and how fast, and what failed."""

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from bisae.cli import inspect, main
from bisae.files import any_path
from bisae.grid import Checkpoint
from bisae.pipeline.status import checkpoint_status
from bisae.pipeline.time_left import seconds_left
from bisae.progress import bar, work_in_progress
from bisae.store import Store, open_store, record_failure, table_file
from bisae.store.holder import read_holder
from bisae.study import Study
from support.removal import remove_cells


def status(*words: object) -> Result:
    return CliRunner().invoke(main, ["status", *map(str, words)])


def rows_of(store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(
        status(store.path, "--format", "json").stdout
    )
    return rows


@pytest.fixture
def partly(copied_study: Study) -> Store:
    """S/5 has lost a layer and S/40 both; everything else is finished."""
    remove_cells(copied_study.store, "size=S,step=5,layer=1", "size=S,step=40")
    return open_store(copied_study.store)


def test_a_finished_store(tiny: Store) -> None:
    result = status(tiny.path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2:] == [
        "S     2/2  2/2  2/2",
        "M     3/3  3/3  3/3",
    ]
    assert result.stderr == "all is finished\n"


def test_a_failure_is_shown_with_its_error(partly: Store) -> None:
    record_failure(partly, Checkpoint("S", 40), "no checkpoint folder /lm", "far")
    result = status(partly.path)
    assert result.exit_code == 3  # S/5 is still missing
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["S", "2/2", "1/2", "0/2", "failed"]
    assert lines[-1].split(maxsplit=4) == [
        *("S", "40", "1", "far"),
        "no checkpoint folder /lm",
    ]
    record_failure(partly, Checkpoint("S", 5), "out of memory")
    assert status(partly.path).exit_code == 1


def test_a_builder_tells_how_fast_it_is(
    partly: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bisae.store.lease.BEAT", 0.05)
    with partly.lease(Checkpoint("S", 40)), bar(2000, "train S/40", "tokens") as work:
        time.sleep(0.01)
        work.update(500)
        while not (row := rows_of(partly))[2]["done"]:
            pass  # until the next heartbeat
        shown = status(partly.path)
    assert (row[2]["state"], row[2]["work"]) == ("running", "train S/40")
    assert row[2]["done"] == 0.25
    assert row[2]["seconds_left"] == pytest.approx(1500 / row[2]["rate"])
    assert row[2]["error"] is None
    assert shown.exit_code == 3
    assert "0/2 running" in shown.stdout
    assert " train S/40  25%" in shown.stdout
    assert work_in_progress() is None


def test_the_outermost_work_is_told() -> None:
    with bar(10, "train", "tokens", done=4) as outer:
        outer.update(2)
        with bar(3, "measure", "documents"):
            work = work_in_progress()
    assert work
    assert (work.title, work.unit, work.done, work.total) == ("train", "tokens", 6, 10)
    assert work.rate > 0


@pytest.mark.parametrize(
    "change", [{"rate": float("inf")}, {"work": "\x1b[2J"}], ids=str
)
def test_a_strange_heartbeat_names_nobody(
    partly: Store, change: dict[str, object]
) -> None:
    checkpoint = Checkpoint("S", 40)
    lease = partly.lease(checkpoint)
    lease.__enter__()
    (file,) = Path(str(partly.path)).glob("leases/S/40.*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert read_holder(any_path(file)).owner == "somebody"
    built_by = {s[:2]: s.built_by for s in checkpoint_status(partly)}
    assert built_by["S", 40] == "somebody, process 0 on another host"


def test_the_time_left_is_that_of_all_builders(partly: Store) -> None:
    """Three layers of S are left; five checkpoints have trained layers."""
    trained = trained_layers(partly)
    now = max(max(ends) for _, _, ends in trained) + timedelta(seconds=10)
    assert seconds_left(partly, checkpoint_status(partly), now) is None
    with partly.lease(Checkpoint("S", 40)):
        left = seconds_left(partly, checkpoint_status(partly), now)
        shown = status(partly.path)
    first, *later = sorted(trained, key=lambda row: max(row[2]))
    of_size = [
        second for size, seconds, _ in trained if size == "S" for second in seconds
    ]
    rate = sum(sum(seconds) for _, seconds, _ in later) / (
        (now - max(first[2])).total_seconds()
    )
    assert left == pytest.approx(3 * sum(of_size) / len(of_size) / rate)
    assert re.search(r"^about .+ left, at the rate of the", shown.stderr, re.MULTILINE)
    assert "left, at" not in status(partly.path).stderr


def trained_layers(store: Store) -> list[tuple[str, list[float], list[datetime]]]:
    """Size, seconds and ends of the layers of each checkpoint, read without SQL."""
    by_checkpoint: dict[Checkpoint, list[dict[str, Any]]] = {}
    for cell in store.cells:
        if (file := Path(str(table_file(store, "timings", cell)))).exists():
            rows = pq.ParquetFile(file).read().to_pylist()
            by_checkpoint.setdefault(cell.checkpoint, []).extend(rows)
    return [
        (
            checkpoint.size,
            [row["train_seconds"] for row in rows],
            [row["trained_at"] for row in rows],
        )
        for checkpoint, rows in by_checkpoint.items()
    ]


def test_watch_ends_when_nothing_is_left(
    partly: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = iter([Checkpoint("S", 5), Checkpoint("S", 40)])
    monkeypatch.setattr(
        inspect, "sleep", lambda _: record_failure(partly, next(waits), "no GPU")
    )
    result = status(partly.path, "--watch")
    assert result.exit_code == 1
    assert result.stderr.count("3 cells are not finished") == 3
