"""The toy study from the one command, as a new user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bisae.demo.run import _take_ready, _tasks, write_study
from bisae.query import connect
from bisae.store import open_store
from bisae.study import load_study


def test_the_study_is_written_once(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    text = tmp_path / "text" / "en.jsonl"
    first = json.loads(text.open(encoding="utf-8").readline())
    assert set(first) >= {"text"}
    assert load_study(path).name == "toy"
    path.write_text(path.read_text().replace("[sae]", "# mine\n[sae]"))
    before = text.stat().st_mtime_ns
    assert write_study(tmp_path) == path
    assert "# mine" in path.read_text()
    assert text.stat().st_mtime_ns == before


def test_the_first_trend_comes_before_the_rest(tmp_path: Path) -> None:
    """What a worker may begin depends on the checkpoints that are there."""
    tasks = _tasks(load_study(write_study(tmp_path)))
    assert [task.title for task in tasks] == [
        "pretrain 0.2M",
        "corpus",
        *("build 0.2M/900", "build 0.2M/0", "build 0.2M/30"),
        "pretrain 0.5M",
        *("build 0.2M/10", "build 0.2M/100"),
        *(f"build 0.5M/{step}" for step in (0, 10, 30, 100, 900)),
    ]
    taken = [task.title for _ in range(2) if (task := _take_ready(tasks))]
    assert taken == ["pretrain 0.2M", "corpus"]
    assert _take_ready(tasks) is None
    for step in (0, 900):
        folder = tmp_path / "checkpoints" / "0.2M" / str(step)
        folder.mkdir(parents=True)
        (folder / "model.safetensors").touch()
    taken = [task.title for _ in range(3) if (task := _take_ready(tasks))]
    assert taken == ["build 0.2M/900", "build 0.2M/0", "pretrain 0.5M"]
    assert _take_ready(tasks) is None


@pytest.mark.slow
def test_the_demo_shows_what_the_paper_says(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bisae", "demo", "--folder", str(tmp_path)]
    message = subprocess.run(command, capture_output=True, text=True, check=False)
    assert message.returncode == 0, message.stderr
    early, late = message.stdout.split("size  step")[1:]
    assert "0.2M   900" in early
    assert "0.5M" not in early
    assert "0.5M   900" in late
    assert "leaked" not in message.stderr
    page = tmp_path / "store" / "reports" / "index.html"
    lines = message.stderr.splitlines()
    assert lines[-1] == f"report {page}"
    first = "the middle layer of 0.2M, as far as it is built; the rest follows"
    done = [line.partition(": done")[0] for line in lines if ": done" in line]
    assert set(done) == {
        task.title for task in _tasks(load_study(write_study(tmp_path)))
    }
    assert not any(
        line.startswith("build 0.5M") for line in lines[: lines.index(first)]
    )
    assert page.exists()
    con = connect(open_store(tmp_path / "store"))
    # The larger model's middle layer, fully trained and untrained, against chance.
    rows = con.execute(
        "select step, same_topic_low > same_topic_chance from lexicon_translations "
        "where size = '0.5M' and layer = 2 and step in (0, 900) "
        "and population = 'supported'"
    ).fetchall()
    assert dict(rows) == {0: False, 900: True}
