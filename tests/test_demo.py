"""The toy study from the one command, as a new user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bisae.demo import write_study
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


@pytest.mark.slow
def test_the_demo_shows_what_the_paper_says(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bisae", "demo", "--folder", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "mixed_share" in told.stdout
    assert "leaked" not in told.stderr
    page = tmp_path / "store" / "reports" / "index.html"
    assert told.stderr.splitlines()[-1] == f"report {page}"
    assert page.exists()
    con = connect(open_store(tmp_path / "store"))
    # The larger model's middle layer, fully trained and untrained, against chance.
    rows = con.execute(
        "select step, same_topic_low > same_topic_chance from lexicon_translations "
        "where size = '0.5M' and layer = 2 and step in (0, 900) "
        "and population = 'supported'"
    ).fetchall()
    assert dict(rows) == {0: False, 900: True}
