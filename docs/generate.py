"""Generate the parts of the documentation that repeat the code.

Reads docs/layout.toml, the .sql headers, the checks, the commands' help and the
modules' docstrings; fills the parts of README.md, CONTRIBUTING.md, sql/README.md,
docs/checks.md and docs/commands.md between their `generated` marks.
Run by `make docs`; a test fails if a part is stale.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import click

from bisae.checks import shipped_checks
from bisae.cli import main
from bisae.query import read_views

ROOT = Path(__file__).parents[1]
LAYOUT = tomllib.loads((ROOT / "docs" / "layout.toml").read_text("utf-8"))
NOTES = {
    ".ci/": "the tests that a change must pass",
    "benchmarks/": "scripts that measure, and their last figures",
    "bisae/": "the verbs: Python that moves data",
    "docs/": "for users and for maintainers",
    "examples/": "studies (toy, paper, public checkpoints, real text), and a notebook",
    "reports/": "the figures: one Vega-Lite file per view",
    "sql/": "the questions: one select per file",
    "store/": "the format: specification, and the same for machines",
    "tests/": "one folder per part, a plain reference, a tiny study",
    "validations/": "the checks: one .sql file each, or a range in JSON",
}


def layers() -> str:
    """List the rooms of the package, from the command line down to errors."""
    rows = [f"`{' '.join(layer['rooms'])}`" for layer in reversed(LAYOUT["layers"])]
    return " -> ".join(rows)


def sql_folders() -> str:
    """Make a table of the folders of SQL."""
    rows = ["| folder | what it holds | reads | when it runs |", "|---|---|---|---|"]
    for entry in LAYOUT["sql"]:
        reads = " ".join(f"`{name}`" for name in entry["reads"])
        cells = (f"`{entry['folder']}/`", entry["holds"], reads, entry["runs"])
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def views() -> str:
    """Make a table of all views, by folder."""
    rows = ["| view | folder | question | one row per |", "|---|---|---|---|"]
    by_folder = sorted(read_views().values(), key=lambda view: (view.folder, view.name))
    for view in by_folder:
        cells = (f"`{view.name}`", view.folder, view.title, view.grain)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def checks() -> str:
    """Make a table of the checks of each table or view."""
    lines = []
    for table_checks in shipped_checks():
        lines += [
            f"## {table_checks.table}",
            "",
            "| check | what holds | why | guards |",
        ]
        lines += ["|---|---|---|---|"]
        for check in table_checks.checks:
            cells = f"`{check.name}`", check.description, check.why, check.guards
            lines.append(f"| {' | '.join(cells)} |".replace("<", "&lt;"))
        lines.append("")
    return "\n".join(lines[:-1])


def commands() -> str:
    """Return the help of every command."""
    parts = []
    for name, command in main.commands.items():
        context = click.Context(command, info_name=f"bisae {name}")
        parts.append(f"## bisae {name}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts)


def tree() -> str:
    """List folders with a note, and the package's modules with their first line."""
    lines = ["```text"]
    for folder, note in NOTES.items():
        lines.append(f"{folder:<14} {note}")
        if folder == "bisae/":
            lines += [f"  {name:<12} {doc}" for name, doc in _modules()]
    return "\n".join([*lines, "```"])


def _modules() -> list[tuple[str, str]]:
    package = ROOT / "bisae"
    rooms = [p for p in package.iterdir() if (p / "__init__.py").exists()]
    files = [p for p in package.glob("*.py") if not p.stem.startswith("__")]
    modules = []
    for path in sorted([*rooms, *files], key=lambda path: path.stem):
        source = path / "__init__.py" if path.is_dir() else path
        doc = re.match(r'"""(.+?)(?:\n\n|""")', source.read_text("utf-8"), re.DOTALL)
        first = " ".join(doc[1].split()) if doc else ""
        name = f"{path.name}/" if path.is_dir() else path.name
        modules.append((name, first.removesuffix(".")))
    return modules


PARTS = {
    "README.md": {"tree": tree},
    "sql/README.md": {"folders": sql_folders, "views": views},
    "CONTRIBUTING.md": {"layers": layers},
    "docs/checks.md": {"checks": checks},
    "docs/commands.md": {"commands": commands},
}


def fill(text: str, name: str, content: str) -> str:
    """Replace the text between a part's marks."""
    start, end = f"<!-- generated: {name} -->", "<!-- end -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{content}\n{end}{after}"


def filled(file: str) -> str:
    """Return a file's text with its generated parts up to date."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for name, make in PARTS[file].items():
        text = fill(text, name, make())
    return text


if __name__ == "__main__":
    for file in PARTS:
        (ROOT / file).write_text(filled(file), encoding="utf-8")
    subprocess.run(["git", "-C", ROOT, "diff", "--stat", "--", *PARTS], check=False)
