"""A cell's address, reading it from text, and picking cells of a grid by it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bisae.errors import AddressError
from bisae.grid import Cell, Selection, at, parse_cell, parse_selection

GRID = [
    Cell(size, step, layer)
    for size in ("1M", "70M")
    for step in (1, 100, 900)
    for layer in (1, 2, 12)
]
cells = st.builds(
    Cell,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True),
    st.integers(0, 10**12),
    st.integers(0, 200),
)
selections = st.builds(
    Selection,
    st.frozensets(st.sampled_from(["1M", "70M"])),
    st.frozensets(st.sampled_from([1, 100, 900])),
    st.frozensets(st.sampled_from([1, 2, 12])),
)


def test_a_cell_prints_as_its_path_and_its_partition() -> None:
    cell = Cell("1M", 100, 2)
    assert str(cell) == "1M/100/2"
    assert cell.partition == "size=1M/step=100/layer=2"


@given(cells)
def test_a_cell_is_read_back_from_its_text(cell: Cell) -> None:
    assert parse_cell(str(cell)) == cell


@pytest.mark.parametrize("text", ["", "1M", "1M/100", "1M/100/2/3"])
def test_a_cell_has_three_parts(text: str) -> None:
    said = f"{text!r} is not a cell: write SIZE/STEP/LAYER, as in 1M/100/2"
    with pytest.raises(AddressError, match=re.escape(said)):
        parse_cell(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1M/ten/2", "step 'ten' is not a number"),
        ("1M/-1/2", "step '-1' is not a number"),
        ("1M//2", "step '' is not a number"),
        ("1M/²/2", "step '²' is not a number"),
        ("1M/10/2.5", "layer '2.5' is not a number"),
    ],
)
def test_step_and_layer_are_numbers(text: str, said: str) -> None:
    with pytest.raises(AddressError, match=re.escape(said)):
        parse_cell(text)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_selects_everything(text: str | None) -> None:
    assert parse_selection(text) == Selection()
    assert Selection().of(GRID) == GRID


def test_a_name_may_stand_more_than_once() -> None:
    actual = parse_selection("size=1M, step=10,step=30 ,layer=2")
    assert actual == Selection(frozenset({"1M"}), frozenset({10, 30}), frozenset({2}))


@pytest.mark.parametrize(
    "part", ["sizes=1M", "1M", "size", "size=", "=1M", "Size=1M", " "]
)
def test_a_part_that_selects_nothing_is_named(part: str) -> None:
    said = f"--only {part!r}: write size=SIZE, step=STEP or layer=LAYER"
    with pytest.raises(AddressError, match=f"^{re.escape(said)}$"):
        parse_selection(f"size=1M,{part}")


@pytest.mark.parametrize("name", ["step", "layer"])
def test_a_selected_number_is_a_number(name: str) -> None:
    with pytest.raises(AddressError, match=f"^{name} '1k' is not a number$"):
        parse_selection(f"{name}=1k")


@given(selections)
def test_a_selection_picks_what_each_of_its_sets_allows(chosen: Selection) -> None:
    expected = [
        cell
        for cell in GRID
        if cell.size in (chosen.sizes or {"1M", "70M"})
        and cell.step in (chosen.steps or {1, 100, 900})
        and cell.layer in (chosen.layers or {1, 2, 12})
    ]
    assert chosen.of(GRID) == expected


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("size=7M", "no size 7M in this study: the nearest is 70M"),
        ("size=70m", "no size 70m in this study: the nearest is 70M"),
        ("step=99", "no step 99 in this study: the nearest is 100"),
        ("step=1000", "no step 1000 in this study: the nearest is 900"),
        ("layer=13", "no layer 13 in this study: the nearest is 12"),
        ("step=1,layer=0", "no layer 0 in this study: the nearest is 1"),
    ],
)
def test_what_the_grid_lacks_is_named_with_the_nearest(only: str, said: str) -> None:
    with pytest.raises(AddressError, match=f"^{said}$"):
        parse_selection(only).of(GRID)


def test_a_selection_may_find_no_common_cell() -> None:
    cells = [Cell("1M", 1, 1), Cell("70M", 2, 1)]
    assert parse_selection("size=1M,step=2").of(cells) == []


def test_an_error_notes_every_address_it_passes() -> None:
    error = ValueError("broken")
    with pytest.raises(ValueError, match="broken") as caught, at("1M/100"), at(GRID[0]):
        raise error
    assert caught.value is error
    assert error.__notes__ == ["at 1M/1/1", "at 1M/100"]
