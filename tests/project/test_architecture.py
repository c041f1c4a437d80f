"""The import rules in CONTRIBUTING.md, checked for sub-packages too."""

import ast
from pathlib import Path

import pytest

from support import ROOT

PACKAGE = ROOT / "bisae"

# Low to high. A module imports bisae modules of lower rows, or of its own sub-package.
LAYERS = [
    {"errors"},
    {"disk_errors"},
    {"disk"},
    {"assets", "files", "formats", "grid", "interrupts", "lexicon", "progress"},
    {"study"},
    {"kernels", "store"},
    {"hidden", "query", "sae"},
    {"corpus"},
    {"clusters", "concepts", "configurations", "dialect", "memory", "states", "toy"},
    {"models", "verify"},
    {"devices"},
    {
        "compare",
        "encode",
        "export",
        "intervene",
        "plan",
        "pretrain",
        "reencode",
        "report",
        "train",
        "transfer",
        "translate",
        "uncertainty",
    },
    {"checks"},
    {"api", "build"},
    {"demo"},
    {"cli"},
    {"__main__"},
]
# Each heavy dependency has one door (or few, named here).
DOORS = {
    "click": {"cli"},
    "comet": {"translate"},
    "datasets": {"corpus"},
    "duckdb": {"query"},
    "fsspec": {"query"},
    "great_expectations": {"checks"},
    "jinja2": {"report"},
    "prompt_toolkit": {"cli"},
    "pyarrow": {
        "checks",
        "compare",
        "corpus",
        "export",
        "intervene",
        "query",
        "reencode",
        "store",
        "train",
        "translate",
    },
    "pydantic": {"store", "study"},
    "sacrebleu": {"translate"},
    "scipy": {"clusters", "corpus"},
    "sqlalchemy": {"dialect"},
    "tabulate": {"formats"},
    "tokenizers": {"pretrain"},
    "torch": {
        "demo",
        "devices",
        "encode",
        "hidden",
        "intervene",
        "kernels",
        "memory",
        "plan",
        "pretrain",
        "reencode",
        "sae",
        "states",
        "train",
    },
    "safetensors": {"train"},
    "tqdm": {"progress"},
    "triton": {"kernels"},
    "upath": {"files"},
    "transformers": {"corpus", "hidden", "pretrain"},
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
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names = {alias.name for alias in node.names}
            inside = {f"{base}.{name}" for name in names if base == "bisae"}
            found |= inside or {base}
    return found


def rank(name: str) -> int:
    return next(i for i, row in enumerate(LAYERS) if name in row)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    for name in imports(path):
        if name.startswith("bisae.") and not name.startswith("bisae.__"):
            other = name.split(".")[1]
            assert other == room(path) or rank(other) < rank(room(path)), name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_dependencies_use_their_door(path: Path) -> None:
    for name in {name.split(".")[0] for name in imports(path)} & DOORS.keys():
        assert room(path) in DOORS[name], f"{name} belongs in {DOORS[name]}"
