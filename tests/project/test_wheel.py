"""What a user gets from the wheel is what we see in the checkout."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from support import ROOT

FOLDERS = ("sql", "store", "validations", "reports", "examples", "docs/definitions.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "-o", folder, ROOT], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_wheel_holds_one_package_and_every_asset(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"bisae"}
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, check=True, capture_output=True
    )
    for path in tracked.stdout.decode().split():
        is_script = path.startswith("examples/") and path.endswith(".py")
        assert (f"bisae/_assets/{path}" in names) != is_script, path


@pytest.mark.slow
def test_an_installed_wheel_finds_its_assets(wheel: Path, tmp_path: Path) -> None:
    """Dependencies come from this environment; the package only from the wheel."""
    venv.create(tmp_path / "venv", with_pip=True, system_site_packages=False)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--no-deps", "-q", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    ask = "from bisae.assets import asset_dir as a; print(a('sql'), a('examples'))"
    message = subprocess.run(
        [python, "-c", ask], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert message.stdout.count("_assets") == len(("sql", "examples"))
