"""The addresses of everything: cells, and the checkpoints that they belong to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from typing import Any, NamedTuple

from bisae.errors import AddressError


class Checkpoint(NamedTuple):
    """A size at a step: the unit of work, all of whose layers one pass serves.

    Prints as `size/step`.
    """

    size: str
    step: int

    def __str__(self) -> str:
        return f"{self.size}/{self.step}"


class Cell(NamedTuple):
    """One cell of the grid; prints as `size/step/layer`, its path in the store."""

    size: str
    step: int
    layer: int

    def __str__(self) -> str:
        return f"{self.size}/{self.step}/{self.layer}"

    @property
    def checkpoint(self) -> Checkpoint:
        """The cell's checkpoint."""
        return Checkpoint(self.size, self.step)

    @property
    def partition(self) -> str:
        """The folder of this cell's rows in a partitioned table."""
        return f"size={self.size}/step={self.step}/layer={self.layer}"


@contextmanager
def at(address: object) -> Iterator[None]:
    """Add the current address as a note to any exception raised within."""
    try:
        yield
    except BaseException as error:  # also those that a signal raises
        error.add_note(f"at {address}")
        raise


def checkpoints(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    """Group cells, which are in grid order, by checkpoint."""
    for _, group in groupby(cells, lambda cell: cell.checkpoint):
        yield list(group)


@dataclass(frozen=True)
class Selection:
    """A selection of cells for a command; an empty set selects everything."""

    sizes: frozenset[str] = frozenset()
    steps: frozenset[int] = frozenset()
    layers: frozenset[int] = frozenset()

    def of(self, cells: Sequence[Cell]) -> list[Cell]:
        """Pick the selected cells, in grid order.

        Raises AddressError for a size, step or layer that is not in `cells`.
        """
        check_exists("size", self.sizes, {cell.size for cell in cells})
        check_exists("step", self.steps, {cell.step for cell in cells})
        check_exists("layer", self.layers, {cell.layer for cell in cells})
        return [cell for cell in cells if self._has(cell)]

    def _has(self, cell: Cell) -> bool:
        return (
            (not self.sizes or cell.size in self.sizes)
            and (not self.steps or cell.step in self.steps)
            and (not self.layers or cell.layer in self.layers)
        )


def parse_selection(text: str | None) -> Selection:
    """Read `size=1M,step=10,step=30,layer=2`; each may be repeated.

    Raises AddressError for anything else.
    """
    chosen: dict[str, set[str]] = {"size": set(), "step": set(), "layer": set()}
    for term in (text or "").split(","):
        name, _, value = term.strip().partition("=")
        if text and (name not in chosen or not value):
            msg = f"--only {term!r}: write size=SIZE, step=STEP or layer=LAYER"
            raise AddressError(msg)
        if value:
            chosen[name].add(value)
    return Selection(
        frozenset(chosen["size"]),
        frozenset(_number("step", value) for value in chosen["step"]),
        frozenset(_number("layer", value) for value in chosen["layer"]),
    )


def parse_sizes(text: str | None) -> frozenset[str]:
    """Read `size=1M,size=4M`, for a command that takes a size as a whole.

    Raises AddressError for anything else.
    """
    selection = parse_selection(text)
    if selection.steps or selection.layers:
        msg = f"--only {text!r}: all steps of a size belong together, write size=SIZE"
        raise AddressError(msg)
    return selection.sizes


def parse_cell(text: str) -> Cell:
    """Read `size/step/layer`. Raises AddressError."""
    parts = text.split("/")
    if len(parts) != 3:
        msg = f"{text!r} is not a cell: write SIZE/STEP/LAYER, as in 1M/100/2"
        raise AddressError(msg)
    return Cell(parts[0], _number("step", parts[1]), _number("layer", parts[2]))


def nearest_cell(cell: Cell, cells: Sequence[Cell]) -> Cell:
    """Return the cell of a grid that is nearest to one that is not in it."""
    size = _nearest(cell.size, {candidate.size for candidate in cells})
    of_size = [candidate for candidate in cells if candidate.size == size]
    step = _nearest(cell.step, {candidate.step for candidate in of_size})
    layers = {candidate.layer for candidate in of_size if candidate.step == step}
    return next(
        candidate
        for candidate in of_size
        if candidate[1:] == (step, _nearest(cell.layer, layers))
    )


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        msg = f"{name} {text!r} is not a number"
        raise AddressError(msg)
    return int(text)


def check_exists(name: str, selected: Iterable[object], existing: set[Any]) -> None:
    """Raise AddressError for a value that does not exist, with the nearest one."""
    for value in selected:
        if value not in existing:
            msg = f"no {name} {value} in this study: the nearest is "
            raise AddressError(msg + str(_nearest(value, existing)))


def _nearest(value: object, have: set[Any]) -> object:
    if isinstance(value, int):
        return min(have, key=lambda number: (abs(number - value), number))
    return get_close_matches(str(value), sorted(have), 1, 0.0)[0]
