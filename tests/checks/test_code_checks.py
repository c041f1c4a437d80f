"""Checks of codes and weights pass for a sound cell, and fail for exactly their fault.

A check without a planted fault fails here.
"""

import numpy as np
import pytest

from bisae.checks import CheckResult
from bisae.checks.code_checks import code_checks
from bisae.checks.recorded import check_codes
from bisae.lm import LanguageModel
from bisae.lm.opening import open_model
from bisae.store import Store
from support.cell_copy import CELL, Copy
from support.code_faults import FAULTS as OF_CODES
from support.code_faults import ROWS, SHAPE, Fault
from support.table_faults import FAULTS as OF_TABLES

NAMES = [check.name for check in code_checks().checks]
FAULTS = [*OF_CODES, *OF_TABLES]
ENCODED_AGAIN = {"reencoded_other_features", "reencoded_other_values"}


@pytest.fixture(scope="module")
def lm(tiny: Store) -> LanguageModel:
    return open_model(tiny, CELL.checkpoint)


def check(store: Store, lm: LanguageModel | None = None) -> list[CheckResult]:
    """The result of every check of the cell's codes."""
    ((cell, results),) = check_codes(store, [CELL], lm)
    assert cell == CELL
    return results


# -- sound cells and planted faults -----------------------------------------------


def test_a_sound_cell_passes_every_check(tiny: Store, lm: LanguageModel) -> None:
    results = check(tiny, lm)
    assert [result.check for result in results] == NAMES
    assert {result.status for result in results} == {"pass"}


def test_every_check_has_a_planted_fault() -> None:
    assert {name for fault in FAULTS for name in fault.fails} == set(NAMES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fails_its_checks_and_no_others(
    copy: Store, lm: LanguageModel, fault: Fault
) -> None:
    row = fault.plant(Copy(copy))
    results = {result.check: result for result in check(copy, lm)}
    assert "error" not in {result.status for result in results.values()}
    failed = {name for name, result in results.items() if result.status == "fail"}
    assert failed == set(fault.fails)
    for name in failed:
        result = results[name]
        assert result.n_bad >= len(result.rows) > 0
        assert all(at.items() >= CELL._asdict().items() for at in result.rows)
    first = results[fault.fails[0]]
    assert any(at.items() >= row.items() for at in first.rows), first.rows


def test_ten_rows_are_shown(copy: Store, lm: LanguageModel) -> None:
    cell = Copy(copy)
    cell.value[:100, 0] = np.nan
    cell.write_codes()
    by_name = {result.check: result for result in check(copy, lm)}
    result = by_name["code_rows_not_finite"]
    assert (result.n_bad, len(result.rows)) == (100, 10)


def test_weights_of_another_shape_encode_nothing(
    copy: Store, lm: LanguageModel
) -> None:
    cell = Copy(copy)
    cell.write("sae/b_pre", cell.weight("b_pre")[:-1])
    results = check(copy, lm)
    assert [result.check for result in results if result.status == "fail"] == [SHAPE]
    assert ENCODED_AGAIN.isdisjoint(result.check for result in results)


def test_rows_that_are_cut_off_are_told(copy: Store, lm: LanguageModel) -> None:
    cell = Copy(copy)
    cell.number, cell.value = cell.number[:5000], cell.value[:5000]
    cell.write_codes()
    results = {result.check: result for result in check(copy, lm)}
    assert "error" not in {result.status for result in results.values()}
    assert {results[SHAPE].status, results[ROWS].status} == {"fail"}
    documents = len(copy.split("eval"))
    assert results[ROWS].n_bad == documents - 5000 // cell.width
    assert results[SHAPE].rows[0]["shape"] == [5000, copy.study.sae.k]
