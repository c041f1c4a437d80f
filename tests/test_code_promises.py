"""Promises over codes and weights: kept by a sound cell, broken by exactly their fault.

A promise without a planted fault fails here; so does a check that no suite uses.
"""

import re

import numpy as np
import pytest
from cell_copy import CELL, Copy
from code_faults import FAULTS as OF_CODES
from code_faults import ROWS, SHAPE, Fault
from fold_faults import FAULTS as OF_TABLES

from bisae.hidden import LanguageModel
from bisae.models import open_model
from bisae.promises import check_codes
from bisae.query import read_views
from bisae.store import Store
from bisae.validate import Outcome, code_files, read_suite

SUITES = [read_suite(file) for file in code_files()]
PROMISES = [promise for suite in SUITES for promise in suite.promises]
FAULTS = [*OF_CODES, *OF_TABLES]


@pytest.fixture(scope="module")
def lm(tiny: Store) -> LanguageModel:
    return open_model(tiny, CELL.size, CELL.step)


def outcomes(store: Store, lm: LanguageModel | None = None) -> list[Outcome]:
    """What became of every promise over the cell's codes."""
    ((cell, found),) = check_codes(store, [CELL], lm)
    assert cell == CELL
    return found


# -- sound cells and planted faults -----------------------------------------------


def test_a_sound_cell_keeps_every_promise(tiny: Store, lm: LanguageModel) -> None:
    found = outcomes(tiny, lm)
    assert [one.promise for one in found] == [one.name for one in PROMISES]
    assert {one.status for one in found} == {"pass"}


def test_every_promise_has_a_planted_fault() -> None:
    assert {name for fault in FAULTS for name in fault.breaks} == {
        one.name for one in PROMISES
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_breaks_its_promises_and_no_others(
    copy: Store, lm: LanguageModel, fault: Fault
) -> None:
    row = fault.plant(Copy(copy))
    found = {one.promise: one for one in outcomes(copy, lm)}
    assert "error" not in {one.status for one in found.values()}
    broken = {name for name, one in found.items() if one.status == "fail"}
    assert broken == set(fault.breaks)
    for name in broken:
        one = found[name]
        assert one.n_bad >= len(one.rows) > 0
        assert all(at.items() >= CELL._asdict().items() for at in one.rows)
    first = found[fault.breaks[0]]
    assert any(at.items() >= row.items() for at in first.rows), first.rows


def test_ten_rows_are_shown(copy: Store, lm: LanguageModel) -> None:
    cell = Copy(copy)
    cell.value[:100, 0] = np.nan
    cell.write_codes()
    (one,) = (x for x in outcomes(copy, lm) if x.promise == "Every code is finite")
    assert (one.n_bad, len(one.rows)) == (100, 10)


def test_weights_of_another_shape_encode_nothing(
    copy: Store, lm: LanguageModel
) -> None:
    cell = Copy(copy)
    cell.write("sae/b_pre", cell.weight("b_pre")[:-1])
    found = outcomes(copy, lm)
    assert [one.promise for one in found if one.status == "fail"] == [SHAPE]
    assert "reencoded" not in {one.view for one in found}


def test_rows_that_are_cut_off_are_told(copy: Store, lm: LanguageModel) -> None:
    cell = Copy(copy)
    cell.number, cell.value = cell.number[:5000], cell.value[:5000]
    cell.write_codes()
    found = {one.promise: one for one in outcomes(copy, lm)}
    assert "error" not in {one.status for one in found.values()}
    assert {found[SHAPE].status, found[ROWS].status} == {"fail"}
    documents = len(copy.split("eval"))
    assert found[ROWS].n_bad == documents - 5000 // cell.width
    assert found[SHAPE].rows[0]["shape"] == [5000, copy.study.sae.k]


def test_suites_keep_their_conventions() -> None:
    assert len({one.name for one in PROMISES}) == len(PROMISES)
    for suite in SUITES:
        assert suite.file.stem == suite.view
        for promise in suite.promises:
            assert promise.why.endswith("."), promise.name
            assert promise.guards, promise.name


def test_every_view_is_used() -> None:
    text = "".join(suite.file.read_text() for suite in SUITES)
    used = re.findall(r'"from (\w+) order by all"', text)
    assert len(used) == len(set(used))
    views = read_views("codes")
    read = {name for view in views.values() for name in view.reads}
    assert set(used) == set(views) - read
