"""Faults of one cell's codes, weights, firings and features, each with what fails.

A fault changes a copy of the tiny store, in its real arrays and files, and gives what
the first of the checks that then fail must say of one row.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from support.cell_copy import CELL, Copy, Row

Plant = Callable[[Copy], Row]

ACTIVATIONS = "features_activations_miscounted"
ROWS = "code_rows_missing"
SHAPE = "arrays_misshapen"
UNIT = "directions_not_unit"
FALL = "code_rows_not_falling"
BEYOND = "code_rows_beyond_documents"


class Fault(NamedTuple):
    """What is done, and the checks that then fail: these, and no others."""

    name: str
    plant: Plant
    fails: tuple[str, ...]


def slot(change: Callable[[Copy, int], None], *, sampled: bool = False) -> Plant:
    """A fault in one quiet row."""

    def plant(copy: Copy) -> Row:
        row = copy.quiet(sampled=sampled)
        change(copy, row)
        copy.write_codes()
        return {"token_row": row}

    return plant


def swap(copy: Copy, row: int) -> None:
    copy.value[row, [-2, -1]] = copy.value[row, [-1, -2]]


def repeat(copy: Copy, row: int) -> None:
    copy.number[row, 1] = copy.number[row, 0]


def number_beyond(copy: Copy, row: int) -> None:
    copy.number[row, -1] = copy.n


def first_value(value: float) -> Callable[[Copy, int], None]:
    def change(copy: Copy, row: int) -> None:
        copy.value[row, 0] = value

    return change


def negative(copy: Copy, row: int) -> None:
    copy.value[row, -1] *= -1


def zeros_first(copy: Copy, row: int) -> None:
    for item in (copy.number, copy.value):
        item[row] = [0, *item[row, :-1]]


def unused_named(copy: Copy, row: int) -> None:
    assert copy.number[row, -1]
    copy.value[row, -1] = 0


def other_feature(copy: Copy, row: int) -> None:
    frequent = copy.number[copy.number != copy.number[row, -1]]
    copy.number[row, -1] = next(x for x in frequent if x not in copy.number[row])


def other_value(copy: Copy, row: int) -> None:
    copy.value[row, -1] *= 0.9


def shorter(*documents: int) -> Plant:
    """Documents that end a token earlier than their codes do."""

    def plant(copy: Copy) -> Row:
        def cut(token_id: Any) -> Any:
            token_id[list(documents), -1] = -1
            return token_id

        def less(length: Any) -> Any:
            length[list(documents)] -= 1
            return length

        copy.text("token_id", cut)
        copy.text("length", less)
        return {"token_row": copy.width - 1, "document": 0}

    return plant


def more_text(copy: Copy) -> Row:
    """A document of each language that was never encoded."""
    documents = len(copy.store.split("eval"))
    for name in ("token_id", "language", "length"):
        copy.text(name, lambda rows: np.concatenate([rows, rows[:2]]))
    return {"document": documents, "n_rows": 0}


def misshapen(copy: Copy) -> Row:
    copy.write("sae/W_dec", copy.weight("W_dec")[:, :-1])
    return {"name": "sae/W_dec"}


def not_finite(copy: Copy) -> Row:
    weight = copy.weight("W_dec")
    weight[7, 3] = np.nan
    copy.write("sae/W_dec", weight)
    return {"name": "sae/W_dec", "n_not_finite": 1}


def longer(copy: Copy) -> Row:
    weight = copy.weight("W_dec")
    weight[7] *= 1.001
    copy.write("sae/W_dec", weight)
    return {"feature": 7}


def two_numbers(copy: Copy) -> Row:
    """Two numbers that no code has stand for one feature."""
    unused = np.setdiff1d(np.arange(copy.n), copy.number)
    lost = int(copy.feature[unused[0]])
    copy.feature[unused[0]] = copy.feature[unused[1]]
    copy.write("codes/feature", copy.feature)
    return {"feature": lost, "n_numbers": 0}


def dead(copy: Copy) -> Row:
    file = Path(str(copy.store.folder(CELL) / "codes" / "zarr.json"))
    result = json.loads(file.read_text())
    result["attributes"]["n_dead"] += 1
    file.write_text(json.dumps(result))
    return {"n_features": copy.n, "n_dead": result["attributes"]["n_dead"]}


FAULTS = [
    Fault("values change places", slot(swap), (FALL,)),
    Fault(
        "a feature twice",
        slot(repeat),
        ("code_rows_repeating", ACTIVATIONS),
    ),
    Fault(
        "a number beyond",
        slot(number_beyond),
        ("code_rows_index_beyond", ACTIVATIONS),
    ),
    Fault("nan", slot(first_value(np.nan)), ("code_rows_not_finite",)),
    Fault("infinite", slot(first_value(np.inf)), ("code_rows_not_finite",)),
    Fault("negative", slot(negative), ("code_rows_negative",)),
    Fault("zeros first", slot(zeros_first), (FALL, ACTIVATIONS)),
    Fault(
        "an unused place named",
        slot(unused_named),
        ("code_rows_unused_named", ACTIVATIONS),
    ),
    Fault("two documents end earlier", shorter(0, 1), (BEYOND,)),
    Fault(
        "one document ends earlier",
        shorter(0),
        (BEYOND, "languages_unequal"),
    ),
    Fault("documents without rows", more_text, (ROWS, SHAPE)),
    Fault("another shape", misshapen, (SHAPE, UNIT)),
    Fault("a weight that is nan", not_finite, ("weights_not_finite", UNIT)),
    Fault("a longer direction", longer, (UNIT,)),
    Fault("two numbers", two_numbers, ("numbers_not_of_features",)),
    Fault(
        "another count of dead",
        dead,
        ("dead_miscounted",),
    ),
    Fault(
        "a code of another feature",
        slot(other_feature, sampled=True),
        ("reencoded_other_features", ACTIVATIONS),
    ),
    Fault(
        "a code of another value",
        slot(other_value, sampled=True),
        ("reencoded_other_values",),
    ),
]
