"""A full, read-only or lost disk is one line that names it; the next run goes on."""

import errno
import gc
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.disk_errors import LOST, os_errors
from bisae.errors import StoreError
from bisae.grid import Selection
from bisae.store import Store, open_store
from bisae.store.guard import explain_read_errors
from bisae.store.verify import verify
from bisae.study import Study, dump_study
from support.progress_lines import without_progress


def run(*command: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in command])


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount something at a folder, or skip the test."""
    folder.mkdir()
    try:
        mount = ["mount", *options, str(folder)]
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this process may not mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# -- full ------------------------------------------------------------------------------


def fill(disk: Path, free: int) -> Path:
    """Leave some bytes of a disk free."""
    file = disk / "filled"
    size = shutil.disk_usage(disk).free - free
    file.write_bytes(bytes(size))
    return file


@pytest.mark.parametrize(
    "free",
    [40_960, *(pytest.param(n, marks=pytest.mark.slow) for n in (8_192, 100_000))],
)
def test_a_disk_that_fills_up_in_export(
    copied_study: Study, tmp_path: Path, free: int
) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64m", "tmpfs") as disk:
        store = disk / "store"
        shutil.copytree(copied_study.store, store)
        for table in ("firings", "clusters", "features", "tokens"):
            shutil.rmtree(store / "tables" / table)
        study = copied_study.model_copy(update={"store": str(store)})
        (tmp_path / "study.toml").write_text(dump_study(study))
        filled = fill(disk, free)
        result = run("export", tmp_path / "study.toml", "--only", "size=S,step=5")
        assert result.exit_code == 1
        line = result.stderr.splitlines()[-1]
        assert "No space left on device; make room and run again" in line
        assert str(store) in line
        assert not set("{}\\") & set(line)
        assert ".partial" not in line
        assert not [file for file in store.rglob("*") if "partial" in file.name]
        filled.unlink()
        del result
        gc.collect()  # its traceback holds the embeddings open
        assert run("export", tmp_path / "study.toml").exit_code == 0
        assert verify(open_store(store), Selection()).findings == []


def test_a_disk_that_fills_up_with_models(tiny_study: Study, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=400k", "tmpfs") as disk:
        models = tuple(
            item.model_copy(update={"checkpoint": str(disk / item.size / "{step}")})
            for item in tiny_study.models
        )
        study = tiny_study.model_copy(update={"models": models})
        (tmp_path / "study.toml").write_text(dump_study(study))
        result = run("pretrain", tmp_path / "study.toml")
        assert result.exit_code == 1
        said = (
            rf"Error: {disk}/[SM]/\d+: No space left on device; make room and run again"
        )
        assert re.fullmatch(said, result.stderr.splitlines()[-1])
        larger = ["mount", "-o", "remount,size=64m", str(disk)]
        subprocess.run(larger, check=True)
        assert run("pretrain", tmp_path / "study.toml").exit_code == 0
        created = {str(item.relative_to(disk)) for item in disk.glob("*/*")}
        assert created == {f"{size}/{step}" for size in "SM" for step in (0, 5, 40)}


def test_a_full_disk_for_what_training_keeps(tmp_path: Path) -> None:
    """Of a library in Rust: its errors are no OSError."""
    import torch
    from safetensors.torch import save_file

    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "tmpfs") as disk:
        file = disk / "a.safetensors"
        with pytest.raises(OSError, match="No space left") as caught, os_errors(file):
            save_file({"a": torch.zeros(100_000)}, file)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(file)


# -- read-only -------------------------------------------------------------------------


@pytest.fixture
def read_only(tiny: Store, tmp_path: Path) -> Iterator[Path]:
    """The tiny study's store where nobody may write."""
    source = str(tiny.path)
    with mounted(tmp_path / "read-only", "--bind", source) as folder:
        remount = ["mount", "-o", "remount,ro,bind", str(folder)]
        subprocess.run(remount, check=True)
        yield folder


@pytest.mark.parametrize(
    "command", [("status",), ("views",), ("verify",), ("sql", "from trends")]
)
def test_what_reads_needs_no_right_to_write(
    read_only: Path, command: tuple[str, ...]
) -> None:
    result = run(command[0], read_only, *command[1:])
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    "command", [("report",), ("uncertainty",), ("rm", "--only", "step=5", "--yes")]
)
def test_what_writes_says_that_it_cannot(
    read_only: Path, command: tuple[str, ...]
) -> None:
    result = run(command[0], read_only, *command[1:])
    assert result.exit_code == 1
    line = without_progress(result.stderr)
    assert line.startswith("Error: cannot write the lease on ")
    said = f" to {read_only}: Read-only file system; choose a store on a writable"
    assert said in line
    assert line.count("\n") == 1


def test_a_build_says_that_it_cannot_write(
    read_only: Path, tiny_study: Study, tmp_path: Path
) -> None:
    study = tiny_study.model_copy(update={"store": str(read_only)})
    (tmp_path / "study.toml").write_text(dump_study(study))
    result = run("build", tmp_path / "study.toml")
    assert result.exit_code == 1
    assert "Read-only file system; choose a store" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["sql", "catalog"])
def test_an_answer_that_cannot_be_written(read_only: Path, command: str) -> None:
    query = ["select 1"] if command == "sql" else []
    output = read_only / "answer"
    result = run(command, read_only, *query, "--output", output)
    assert result.exit_code == 1
    said = f"Error: {output}: Read-only file system; choose a store on a writable "
    assert result.stderr == f"{said}disk\n"


# -- lost ------------------------------------------------------------------------------


def test_a_chunk_whose_disk_fails_is_not_called_damaged(copy: Store) -> None:
    """Reading the start of a process's memory is an input/output error."""
    chunk = Path(str(copy.folder(copy.cells[0]))) / "sae" / "W_dec" / "c" / "0" / "0"
    chunk.unlink()
    chunk.symlink_to("/proc/self/mem")
    said = r"^cannot read .*/sae/W_dec: Input/output error; the disk, or the network "
    with pytest.raises(StoreError, match=said):
        copy.weights(copy.cells[0])


@pytest.mark.parametrize("number", LOST)
def test_a_lost_disk_is_named_wherever_it_fails(
    tiny: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/mnt/lab/store")

    monkeypatch.setattr("bisae.pipeline.status.checkpoint_status", fail)
    result = run("status", tiny.path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: /mnt/lab/store: {os.strerror(number)}; the disk, or the network "
        "behind it, failed: check that it is available and run again\n"
    )
    with (
        pytest.raises(StoreError, match=r"^cannot read here: "),
        explain_read_errors("here"),
    ):
        fail()


def test_another_error_is_no_trouble_of_a_disk(
    tiny: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        msg = "a mistake of ours"
        raise OSError(msg)

    monkeypatch.setattr("bisae.pipeline.status.checkpoint_status", fail)
    assert isinstance(run("status", tiny.path).exception, OSError)
