"""Controls in a study file: which cells they add to the grid, and what is refused."""

from typing import Any

import pytest
import tomli_w

from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study import dump_study, parse_study
from support.studies import MODEL, make_study

LARGE = MODEL | {
    "size": "2M",
    "checkpoint": "/lm/{size}/{step}",
    "steps": [3, 9],
    "tokens_per_step": None,
    "tokens_seen": [100, 800],
    "layers": [1, 2, 4],
}


def cells_of(*controls: dict[str, Any]) -> list[Cell]:
    """The cells that controls add to a grid of two sizes."""
    study = make_study(models=[MODEL, LARGE], controls=controls)
    return study.cells[2 + 6 :]


def test_a_control_is_of_each_size_at_its_last_step_and_middle_layer() -> None:
    assert cells_of({"kind": "shuffled weights"}) == [
        Cell("1M.shuffled-weights", 7, 1),
        Cell("2M.shuffled-weights", 9, 2),
    ]


def test_sizes_steps_and_layers_can_be_named() -> None:
    wanted = {"sizes": ["2M"], "steps": [3, 9], "layers": "1-2"}
    assert cells_of({"kind": "random tokens"} | wanted) == [
        Cell("2M.random-tokens", step, layer) for step in (3, 9) for layer in (1, 2)
    ]
    every = cells_of({"kind": "random decoder", "layers": "all", "sizes": ["2M"]})
    assert [cell.layer for cell in every] == [1, 2, 4]


def test_a_control_has_the_checkpoints_of_its_model() -> None:
    controls = [{"kind": "random tokens", "steps": [9], "sizes": ["2M"]}]
    model = make_study(models=[MODEL, LARGE], controls=controls).model(
        "2M.random-tokens"
    )
    assert (model.control, model.control_of) == ("random tokens", "2M")
    assert model.checkpoint_at(9) == ("/lm/2M/9", None)
    assert model.tokens_at(9) == 800


def test_layers_that_are_not_known_yet_give_no_cells() -> None:
    models = [MODEL | {"layers": "all"}]
    study = make_study(models=models, controls=[{"kind": "random tokens"}])
    assert study.cells == []


def test_a_store_lists_every_cell_of_its_controls() -> None:
    """A study without controls does not mention them, as in earlier versions."""
    study = make_study(controls=[{"kind": "random tokens"}])
    again = parse_study(dump_study(study), "again")
    assert again.cells == study.cells
    assert "controls" not in dump_study(make_study())


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ({"kind": "noise"}, "should be 'random decoder', 'shuffled weights' or"),
        ({"sizes": ["9M"]}, r"\[\[controls\]\] sizes: '9M' is none of the models'"),
        ({"steps": [8]}, r"\[\[controls\]\] 1M has no step 8"),
        ({"steps": [7, 7]}, "steps must be in ascending order without repetition"),
        ({"layers": [9]}, r"\[\[controls\]\] 1M has no layer 9"),
        ({"seed": 1}, "unknown key 'controls.0.seed'; the nearest known one"),
    ],
)
def test_what_a_control_cannot_be(control: dict[str, Any], message: str) -> None:
    raw = make_study().model_dump(mode="json", exclude_none=True)
    raw["controls"] = [{"kind": "random tokens"} | control]
    with pytest.raises(StudyError, match=message):
        parse_study(tomli_w.dumps(raw), "study")


def test_a_control_trains_its_own_autoencoder() -> None:
    models = [MODEL | {"sae": "/sae/{step}/{layer}"}]
    with pytest.raises(ValueError, match="1M imports its autoencoders, and a control"):
        make_study(models=models, controls=[{"kind": "random decoder"}])


def test_a_control_is_listed_once() -> None:
    twice = [{"kind": "random decoder"}, {"kind": "random decoder", "steps": [7]}]
    with pytest.raises(ValueError, match="a size appears twice"):
        make_study(controls=twice)
