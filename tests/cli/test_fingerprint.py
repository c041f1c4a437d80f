"""`bisae fingerprint`, and a build's warning, on checkpoints that are mixed up."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

import bisae
from bisae.cli import main
from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.query import connect
from bisae.store import Store
from bisae.study import Study
from bisae.versions import code_version, library_versions
from support.removal import remove_cells
from support.rows import rows_of
from support.store_copy import copy_store

WEIGHTS = "model.safetensors"


@pytest.fixture
def study(tiny_study: Study, tmp_path: Path) -> Path:
    """The tiny study's file, with checkpoints of its own."""
    home = Path(tiny_study.store).parent
    folder = tmp_path / "study"
    shutil.copytree(home / "checkpoints", folder / "checkpoints")
    (folder / "text").symlink_to(home / "text")
    shutil.copy(home / "tiny.toml", folder)
    return folder / "tiny.toml"


def put_shard(study: Path, step: int, of_step: int, name: str) -> None:
    """Replace those weights of a step whose name has `name`, by another step's."""
    folder = study.parent / "checkpoints" / "S"
    weights = load_file(folder / str(step) / WEIGHTS)
    foreign = load_file(folder / str(of_step) / WEIGHTS)
    mixed = {key: (foreign if name in key else weights)[key] for key in weights}
    save_file(mixed, folder / str(step) / WEIGHTS, metadata={"format": "pt"})


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_sound_checkpoints_have_no_finding(study: Path, tiny: Store) -> None:
    """Without a store; the fingerprints are those that cells record."""
    result = run("fingerprint", study, "--format", "csv")
    assert result.exit_code == 0, result.output
    assert "nothing is wrong with 6 checkpoints" in result.stderr
    header, *lines = result.stdout.splitlines()
    printed = {tuple(line.split(",")[:4]) for line in lines}
    assert header.startswith("size,step,n_weights,lm_fingerprint,")
    query = "select distinct size, step, n_params, lm_fingerprint from cells"
    with closing(connect(tiny, query=query)) as con:
        rows = con.execute(query).fetchall()
    assert printed == {tuple(map(str, row)) for row in rows}
    assert not (study.parent / "store").exists()


def test_a_wrong_shard_is_named(study: Path) -> None:
    put_shard(study, 5, 40, "layers.1.")
    result = run("fingerprint", study, "--only", "size=S")
    assert result.exit_code == 1
    assert "S: steps 5 and 40 have the same weights: block 2\n" in result.stderr
    assert result.stderr.endswith("Error: 1 finding about checkpoints\n")


def test_a_missing_checkpoint_is_a_finding_and_the_rest_is_compared(
    study: Path,
) -> None:
    shutil.rmtree(study.parent / "checkpoints" / "S" / "5")
    result = run("fingerprint", study, "--only", "size=S", "--format", "csv")
    assert result.exit_code == 1
    assert "no checkpoint folder" in result.stderr
    assert len(result.stdout.splitlines()) == 3
    result = run("fingerprint", study, "--only", "size=S,step=5")
    assert result.exit_code == 1
    assert not result.stdout
    assert result.stderr.startswith("Error: no checkpoint folder")


def test_a_build_warns_before_it_trains(
    copied_study: Study, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store has the other steps; the new one has a block of one of them."""
    put_shard(study, 5, 0, "layers.0.")
    remove_cells(copied_study.store, "size=S,step=5")
    models = tuple(
        model.model_copy(
            update={
                "checkpoint": str(study.parent / f"checkpoints/{model.size}/{{step}}")
            }
        )
        for model in copied_study.models
    )
    changed = copied_study.model_copy(update={"models": models})
    only = Selection(frozenset({"S"}), frozenset({5}), frozenset({1}))
    store = build(changed, only, ("train",))
    warning = "warning: S: steps 0 and 5 have the same weights: block 1\n"
    assert capsys.readouterr().err.count(warning) == 1
    query = "from weight_findings"
    with closing(connect(store, query=query)) as con:
        assert rows_of(con, query) == []  # the cell is not exported


def test_cells_say_what_they_were_made_from(tiny: Store) -> None:
    with closing(connect(tiny)) as con:
        (row,) = rows_of(con, "from cells where (size, step, layer) = ('M', 5, 1)")
        weights = rows_of(
            con, "from lm_weights where (size, step, layer) = ('M', 5, 1)"
        )
        (times,) = rows_of(
            con,
            "select bool_and(trained_at > now() - interval 1 day) "
            "as are_today from timings",
        )
    assert row["dtype"] == "float32"
    assert row["device"] == "cpu"
    assert row["commit_hash"] is row["licence"] is None
    assert row["code_version"] == code_version()
    assert row["library_versions"] == library_versions()
    assert code_version().startswith(f"{bisae.__version__}+")
    assert times["are_today"]
    names = [weight["weights"] for weight in weights]
    assert sorted(names) == ["block 1", "block 2", "block 3", "embedding", "head"]
    assert {weight["lm_fingerprint"] for weight in weights} == {row["lm_fingerprint"]}


def test_a_cell_of_an_earlier_version_records_less(tiny: Store, tmp_path: Path) -> None:
    """Its parts lack the attributes, and it has no table of weights."""
    copy_store(tiny, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "tables" / "lm_weights")
    result = run("sql", tmp_path / "store", "select count(*) from cells")
    assert result.exit_code == 0, result.output
    result = run("sql", tmp_path / "store", "from weight_findings")
    assert result.exit_code == 2
