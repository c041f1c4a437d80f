"""Ctrl-C and SIGTERM end every command with one line; the next run goes on."""

import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.grid import Selection
from bisae.lm.configurations import with_layers
from bisae.store import Store, open_store
from bisae.store.verify import verify
from bisae.study import Study, dump_study

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
SIGNALS = list(STATUS)


def signal_at(
    monkeypatch: pytest.MonkeyPatch, path: str, sent: int, turn: int = 0
) -> None:
    """Send ourselves a signal when a function is called."""
    name, _, function = path.partition(":")
    where: Any = import_module(name)
    *kinds, function = function.split(".")
    for kind in kinds:
        where = getattr(where, kind)
    plain, calls = getattr(where, function), iter(range(10**6))

    def interrupted(*args: Any, **named: Any) -> Any:
        if next(calls) == turn:
            os.kill(os.getpid(), sent)
        return plain(*args, **named)

    monkeypatch.setattr(where, function, interrupted)


def run(*command: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in command])


STAGES = [
    ("bisae.corpus.build:_arrays", 1, ""),
    ("bisae.train.run:_learn", 2, "train S/5: stopped at token"),
    ("bisae.store.writers:CodesWriter.append", 2, "; at S/5"),
    ("bisae.query.tables:serialized", 2, "; at S/5"),
    ("bisae.query.tables:serialized", 15, "; at S/5/1"),
    ("bisae.checks.run:_run", 2, ""),
    ("bisae.report.report:draw", 0, ""),
]


@pytest.mark.parametrize(
    "first", [0, pytest.param(1, marks=pytest.mark.slow)], ids=["INT", "TERM"]
)
def test_a_signal_ends_a_build_at_every_stage_and_the_next_run_goes_on(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    update = {"store": str(tmp_path / "store"), "work_dir": str(tmp_path / "work")}
    study = with_layers(tiny_study.model_copy(update=update))
    file = tmp_path / "study.toml"
    file.write_text(dump_study(study))
    command = ("build", file, "--only", "size=S,step=5")
    for number, (path, turn, location) in enumerate(STAGES, first):
        sent = SIGNALS[number % 2]
        with monkeypatch.context() as patch:
            signal_at(patch, path, sent, turn)
            result = run(*command)
        assert result.exit_code == STATUS[sent], (path, result.output)
        line = result.stderr.splitlines()[-1]
        assert line.startswith("Error: ")
        assert location in line
        assert re.search("run it again", line)
        if not location.startswith("train"):
            assert f"`bisae build` was stopped by {sent.name}; what is" in line
    assert run(*command).exit_code == 0
    assert verify(open_store(study.store), Selection()).findings == []
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("validate", "bisae.checks.run:_run"),
        ("verify", "bisae.store.verify.store:check_part"),
        ("status", "bisae.pipeline.status:exported_cells"),
        ("views", "bisae.query.database:create_views"),
        ("sql", "bisae.query.database:create_views"),
    ],
)
def test_a_signal_ends_what_reads(
    tiny: Store, monkeypatch: pytest.MonkeyPatch, command: str, path: str, sent: int
) -> None:
    signal_at(monkeypatch, path, sent)
    query = ["from trends"] if command == "sql" else []
    before = [signal.getsignal(number) for number in SIGNALS]
    result = run(command, tiny.path, *query)
    name = signal.Signals(sent).name
    said = f"Error: `bisae {command}` was stopped by {name}; nothing was changed"
    assert result.stderr.splitlines()[-1] == said
    assert result.exit_code == STATUS[signal.Signals(sent)]
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("cp", "bisae.store.transfer:_copy_cell"),
        ("uncertainty", "bisae.tables.bootstrap:_draw"),
    ],
)
def test_a_signal_ends_what_writes_and_the_next_run_goes_on(
    copy: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    path: str,
    sent: int,
) -> None:
    target = [tmp_path / "copied"] if command == "cp" else ["--replicates", 2]
    argv = (command, copy.path, *target, "--only", "size=S,step=5")
    with monkeypatch.context() as patch:
        signal_at(patch, path, sent, 1)
        result = run(*argv)
    assert result.exit_code == STATUS[signal.Signals(sent)]
    line = result.stderr.splitlines()[-1]
    assert "what is finished is kept, run it again and it goes on" in line
    assert command == "cp" or line.endswith("; at S/5/2")
    assert run(*argv).exit_code == 0
    location = tmp_path / "copied" if command == "cp" else copy.path
    assert verify(open_store(location), Selection()).findings == []


ENDLESS = """
import os, signal, sys, threading
import click
from bisae.cli.options import reports_errors
from bisae.query import database

@click.command("export")
@reports_errors
def main():
    con = database()
    rows = "select count(*) from range(1000000000000) as t(a) where a % 7 = 3"
    threading.Timer(0.5, os.kill, (os.getpid(), int(sys.argv[1]))).start()
    con.execute(f"create table counted as {rows}")

main([], prog_name="export")
"""


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_signal_ends_a_query_that_never_returns_to_python(sent: int) -> None:
    command = [sys.executable, "-c", ENDLESS, str(int(sent))]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    name = signal.Signals(sent).name
    assert process.stderr.startswith(f"Error: `bisae export` was stopped by {name}; ")
    assert process.stderr.count("\n") == 1
    assert process.returncode == STATUS[signal.Signals(sent)]


def test_a_signal_ends_pretraining_and_the_next_run_goes_on(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tuple(
        model.model_copy(update={"checkpoint": str(tmp_path / model.size / "{step}")})
        for model in tiny_study.models
    )
    file = tmp_path / "study.toml"
    file.write_text(dump_study(tiny_study.model_copy(update={"models": models})))
    with monkeypatch.context() as patch:
        signal_at(patch, "bisae.pretrain.train:_rate", signal.SIGTERM, 7)
        result = run("pretrain", file)
    assert result.exit_code == 143
    assert result.stderr.splitlines()[-1] == (
        "Error: `bisae pretrain` was stopped by SIGTERM; what is finished is kept, "
        "run it again and it goes on"
    )
    assert sorted(path.name for path in (tmp_path / "S").iterdir()) == ["0", "5"]
    assert run("pretrain", file).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "M").iterdir()) == ["0", "40", "5"]
