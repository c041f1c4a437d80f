"""An intervention that cannot be run is refused: what, where, what to do."""

import json
import shutil
from pathlib import Path

import pytest
import zarr

from bisae.errors import CheckpointError, StudyError, Unfinished
from bisae.grid import Cell
from bisae.pipeline.intervene import intervene
from bisae.store import open_store, table_file
from bisae.study import Study, load_study
from support import DATA
from support.interventions import with_intervention

TINY = (DATA / "tiny.toml").read_text()
WRONG = [
    ('size = "M"\nlayer', 'size = "L"\nlayer', "size = 'L' is none of the models'"),
    ("mid_step = 5", "mid_step = 6", "M has no step 6"),
    ("mid_step = 5", "mid_step = 5\nfull_step = 7", "M has no step 7"),
    ("mid_step = 5", "mid_step = 40", "mid_step = 40 is not before full_step = 40"),
    (
        "draws = 2",
        'draws = 2\nclasses = ["fr"]',
        "classes: 'fr' is none of en, ja",
    ),
    (
        "layer = 1\nmid",
        "layer = 2\nmid",
        "no autoencoder at layer 2; its layers",
    ),
]


@pytest.mark.parametrize(("was", "now", "message"), WRONG)
def test_a_wrong_section_is_named(
    tmp_path: Path, was: str, now: str, message: str
) -> None:
    assert TINY.count(was) == 1
    (tmp_path / "it.toml").write_text(TINY.replace(was, now))
    with pytest.raises(StudyError) as caught:
        load_study(tmp_path / "it.toml")
    start = f"{tmp_path / 'it.toml'}: [intervention] "
    assert str(caught.value).startswith(start)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_section_it_says_where_to_read(copied_study: Study) -> None:
    study = copied_study.model_copy(update={"intervention": None})
    with pytest.raises(StudyError, match=r"no \[intervention\]; see docs/settings"):
        intervene(study)


@pytest.mark.parametrize("step", [5, 40])
def test_an_unfinished_cell_is_named(
    copied_study: Study, tmp_path: Path, step: int
) -> None:
    cell = Cell("M", step, 1)
    store = open_store(copied_study.store)
    table_file(store, "features", cell).unlink()
    with pytest.raises(Unfinished, match=rf"cell {cell} is not finished; `bisae build"):
        intervene(with_intervention(copied_study, tmp_path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hidden_size", r"M/40 has d_model 64, the study says 48$"),
        ("vocab_size", r"M/5 has .*, M/40 has .*: features of"),
    ],
)
def test_models_that_do_not_fit_are_named(
    copied_study: Study, tmp_path: Path, name: str, said: str
) -> None:
    study = moved(copied_study, tmp_path)
    config = tmp_path / "M" / "40" / "config.json"
    result = json.loads(config.read_text())
    config.write_text(json.dumps(result | {name: result[name] + 16}))
    with pytest.raises(CheckpointError, match=said):
        intervene(with_intervention(study, tmp_path / "work"))


def test_another_checkpoint_is_refused(copied_study: Study, tmp_path: Path) -> None:
    study = moved(copied_study, tmp_path)
    weights = [tmp_path / "M" / step / "model.safetensors" for step in ("5", "40")]
    shutil.copy(*weights)
    with pytest.raises(CheckpointError, match="is not the one that M/40/1 was"):
        intervene(with_intervention(study, tmp_path / "work"))


def test_without_held_out_documents(copied_study: Study, tmp_path: Path) -> None:
    store = Path(copied_study.store)
    heldout = zarr.open_group(store / "bisae.zarr" / "corpus" / "heldout", mode="r+")
    for name in ("token_id", "language", "length"):
        array = heldout[name]
        assert isinstance(array, zarr.Array)
        array.resize((0, *array.shape[1:]))
    result = rf"^{store} has no held-out documents; raise \[corpus\] heldout_tok"
    with pytest.raises(StudyError, match=result):
        intervene(with_intervention(copied_study, tmp_path / "work"))


def moved(study: Study, folder: Path) -> Study:
    """The study with checkpoints of M of its own, to change."""
    model = study.model("M")
    shutil.copytree(Path(model.checkpoint).parent, folder / "M")
    mine = model.model_copy(update={"checkpoint": str(folder / "M" / "{step}")})
    models = tuple(mine if item.size == "M" else item for item in study.models)
    return study.model_copy(update={"models": models})


def test_a_prompt_that_is_too_long_is_refused_before_any_loss(
    copied_study: Study, tmp_path: Path
) -> None:
    section = copied_study.intervention
    assert section
    assert section.translation
    long = section.translation.model_copy(update={"max_new_tokens": 2040})
    section = section.model_copy(update={"translation": long})
    work = {"work_dir": str(tmp_path / "work"), "intervention": section}
    with pytest.raises(StudyError, match="positions for 2048; lower shots or max_new"):
        intervene(copied_study.model_copy(update=work))
    assert not (tmp_path / "work").exists()
    assert not table_file(
        open_store(copied_study.store), "interventions", Cell("M", 5, 1)
    ).exists()
