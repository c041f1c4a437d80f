"""The recipes of CONTRIBUTING.md, followed in a copy of the checkout.

What they tell to write is taken from their text, so that a recipe that no longer works
fails here.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bisae.study import Study, dump_study
from support import ROOT

COPIED = ("bisae", "sql", "validations", "store", "reports", "examples")
RECIPES = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
COMMAND = '''

@click.command()
@store_argument
@reports_errors
def hello(store: str) -> None:
    """Greet a store.

    Example: bisae hello toy/store
    """
    click.echo(f"hello, {store}")
'''
pytestmark = pytest.mark.slow


def block(language: str, after: str) -> str:
    """The first block of code of a language after a line of the recipes."""
    text = RECIPES[RECIPES.index(after) :]
    match = re.search(rf"^( *)```{language}\n(.*?)^ *```", text, re.M | re.S)
    assert match, after
    return re.sub(rf"^{match[1]}", "", match[2], flags=re.M)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name)
    return tmp_path / "checkout"


def run(checkout: Path, *command: object) -> str:
    """Run a command of the copy, which must succeed; return its standard output."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-m", "bisae", *map(str, command)],
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_new_table_and_its_check(
    checkout: Path, copied_study: Study, tmp_path: Path
) -> None:
    entry = block("toml", "1. `sql/tables.toml`")
    registry = checkout / "sql" / "tables.toml"
    registry.write_text(registry.read_text() + "\n" + entry)
    table = re.findall(r"^\[(\w+)\]", entry, re.M)[0]
    select = block("sql", f"2. `sql/cell/{table}.sql`")
    (checkout / "sql" / "cell" / f"{table}.sql").write_text(select)
    folder = checkout / "validations" / table
    folder.mkdir()
    fault = block("toml", "2. `tests/data/faults.toml`")
    (check,) = re.findall(r'\["(\w+)"\]', fault)
    (folder / f"{check}.sql").write_text(block("sql", "1. `validations/<table>/"))
    study = tmp_path / "study.toml"
    study.write_text(dump_study(copied_study))
    only = "size=S,step=5"
    run(checkout, "export", study, "--only", only)
    answer = run(checkout, "sql", copied_study.store, f"select count(*) from {table}")
    assert int(answer.split()[-1]) > 0
    assert table in run(checkout, "views", copied_study.store)
    results = run(checkout, "validate", copied_study.store, "--format", "csv")
    assert re.search(rf"{check}.*pass|pass.*{check}", results)


def test_a_new_command(checkout: Path) -> None:
    module = checkout / "bisae" / "cli" / "inspect.py"
    module.write_text(module.read_text() + COMMAND)
    listed = checkout / "bisae" / "cli" / "__init__.py"
    imported = "from bisae.cli.inspect import "
    text = listed.read_text().replace(imported, f"{imported}hello, ")
    listed.write_text(text.replace("(status, views,", "(status, views, hello,"))
    assert "Greet a store" in run(checkout, "--help")
    assert "hello, here" in run(checkout, "hello", "here")
