"""What may use what, as docs/layout.toml says: modules of Python, folders of SQL."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bisae.query import read_views
from bisae.store import registry
from support import ROOT

PACKAGE = ROOT / "bisae"

LAYOUT = tomllib.loads((PACKAGE.parent / "docs" / "layout.toml").read_text("utf-8"))
# Low to high. A module imports bisae modules of lower rows, or of its own sub-package.
LAYERS = [set(layer["rooms"]) for layer in LAYOUT["layers"]]
# Each heavy dependency has one door (or few, named here).
DOORS = {
    "altair": {"notebook"},
    "anyio": {"browser"},
    "click": {"cli"},
    "comet": {"intervene"},
    "datasets": {"corpus"},
    "duckdb": {"query"},
    "fsspec": {"query"},
    "great_expectations": {"checks"},
    "jinja2": {"report"},
    "prompt_toolkit": {"cli"},
    "pyarrow": {
        *("api", "browser", "checks", "corpus", "encode", "intervene", "query"),
        *("store", "tables", "train"),
    },
    "pydantic": {"store", "study"},
    "ray": {"pipeline"},
    "sacrebleu": {"intervene"},
    "scipy": {"corpus", "tables"},
    "sqlalchemy": {"checks"},
    "starlette": {"browser"},
    "tokenizers": {"pretrain"},
    "torch": {
        *("browser", "demo", "encode", "interop", "intervene", "lm", "memory"),
        *("pipeline", "pretrain", "sae", "train"),
    },
    "huggingface_hub": {"interop", "lm"},
    "safetensors": {"interop", "pretrain", "train"},
    "tqdm": {"progress"},
    "triton": {"sae"},
    "upath": {"files"},
    "transformers": {"corpus", "lm", "pretrain"},
    "uvicorn": {"browser"},
    "vl_convert": {"report"},
    "zarr": {"store"},
}
MODULES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


def room(path: Path) -> str:
    """Name the module or sub-package directly under bisae that holds `path`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """List the dotted names that `path` imports, relative ones resolved."""
    package = ["bisae", *path.relative_to(PACKAGE).parent.parts]
    actual: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            actual |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names = {alias.name for alias in node.names}
            inside = {f"{base}.{name}" for name in names if base == "bisae"}
            actual |= inside or {base}
    return actual


def rank(name: str) -> int:
    return next(i for i, row in enumerate(LAYERS) if name in row)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    for name in imports(path):
        if name.startswith("bisae.") and not name.startswith("bisae.__"):
            second = name.split(".")[1]
            assert second == room(path) or rank(second) < rank(room(path)), name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_dependencies_use_their_door(path: Path) -> None:
    for name in {name.split(".")[0] for name in imports(path)} & DOORS.keys():
        assert room(path) in DOORS[name], f"{name} belongs in {DOORS[name]}"


@pytest.mark.parametrize("folder", LAYOUT["sql"], ids=lambda entry: entry["folder"])
def test_a_folder_of_sql_reads_only_those_before_it(folder: dict[str, Any]) -> None:
    """What is exported is read as a table, wherever the view that makes it is."""
    views, tables = read_views(), registry().keys()
    allowed = {folder["folder"], *folder["reads"]}
    for view in read_views(folder["folder"]).values():
        read = {name: views[name].folder for name in view.reads & views.keys() - tables}
        assert set(read.values()) <= allowed, (view.name, read)


def test_every_room_and_every_folder_of_sql_is_listed() -> None:
    """In the order of what may use what."""
    assert {room(path) for path in MODULES} == set().union(*LAYERS)
    listed = [entry["folder"] for entry in LAYOUT["sql"]]
    assert {view.folder for view in read_views().values()} == set(listed)
    for number, entry in enumerate(LAYOUT["sql"]):
        assert set(entry["reads"]) <= set(listed[:number])
