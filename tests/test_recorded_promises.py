"""Outcomes of promises over codes: recorded when a cell is built, and read after."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cell_copy import CELL, Copy
from click.testing import CliRunner, Result
from code_faults import longer, negative, slot
from store_copy import copy_store

from bisae.build import build
from bisae.cli import main
from bisae.errors import AddressError, Unfinished
from bisae.grid import Selection, parse_selection
from bisae.promises import check_codes, validate_cells
from bisae.query import connect
from bisae.store import Store, open_store, table_file
from bisae.study import Study
from bisae.validate import code_files, failures, read_suite, validate

N_PROMISES = sum(len(read_suite(file).promises) for file in code_files())
KEPT = "Every cell kept every promise over its codes when it was built"
CHECKED = "Every promise over codes could be checked when its cell was built"
ONE = Selection(frozenset({CELL.size}), frozenset({CELL.step}), frozenset({CELL.layer}))
ONLY = f"size={CELL.size},step={CELL.step},layer={CELL.layer}"


def recorded(store: Store) -> Path:
    return Path(str(table_file(store, "code_promises", CELL)))


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(store, query=query)) as con:
        return con.execute(query).fetchall()


def here() -> str:
    return f"(size, step, layer) = {(*CELL,)}"


def as_study(store: Store, **changes: Any) -> Study:
    """The study of a copied store, with a model changed."""
    models = tuple(one.model_copy(update=changes) for one in store.study.models)
    update = {"store": str(store.place), "models": models}
    return store.study.model_copy(update=update)


def asked(store: Store, *more: str) -> Result:
    return CliRunner().invoke(main, ["validate", str(store.place), *more])


def test_every_cell_has_its_outcomes(tiny: Store) -> None:
    query = "select size, step, layer, status, n_bad, rows from code_promises"
    found = rows(tiny, query)
    assert sorted({row[:3] for row in found}) == sorted(map(tuple, tiny.cells))
    assert len(found) == len(tiny.cells) * N_PROMISES
    assert {row[3:] for row in found} == {("pass", 0, "[]")}


def test_what_is_recorded_is_not_done_again(copied_study: Study) -> None:
    store = open_store(copied_study.store)
    before = recorded(store).stat().st_mtime_ns
    build(copied_study, ONE, ("export",))
    assert recorded(store).stat().st_mtime_ns == before


def test_it_is_done_again_where_tables_are_of_other_settings(
    copied_study: Study,
) -> None:
    store = open_store(copied_study.store)
    before = recorded(store).stat().st_mtime_ns
    features = copied_study.features.model_copy(update={"firing_threshold": 0.8})
    build(copied_study.model_copy(update={"features": features}), ONE, ("export",))
    assert recorded(store).stat().st_mtime_ns > before
    query = f"select distinct status from code_promises where {here()}"
    assert rows(store, query) == [("pass",)]


def test_a_broken_promise_is_recorded_and_fails_validate(copied_study: Study) -> None:
    store = open_store(copied_study.store)
    row = slot(negative)(Copy(store))
    recorded(store).unlink()
    build(copied_study, ONE, ("export",))
    (broken,) = failures(validate(store))
    assert (broken.promise, broken.n_bad) == (KEPT, 1)
    (told,) = broken.rows
    assert told.items() >= CELL._asdict().items()
    assert told["promise"] == "No code is below zero"
    assert json.loads(told["rows"]) == [CELL._asdict() | row | {"n_negative": 1}]
    found = asked(store)
    assert found.exit_code == 1
    assert "1 of " in found.stderr


def test_only_checks_cells_afresh_and_writes_nothing(copy: Store) -> None:
    slot(negative)(Copy(copy))
    place = Path(str(copy.place))
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    assert failures(validate(copy)) == []
    found = asked(copy, "--only", ONLY, "--format", "json")
    assert found.exit_code == 1
    (broken,) = (x for x in json.loads(found.stdout) if x["result"] == "fail")
    assert broken["what"] == "No code is below zero"
    assert {row["layer"] for row in broken["rows"]} == {3}
    assert asked(copy, "--only", "size=M,step=5,layer=1").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_outcomes_of_several_cells_are_one(copy: Store) -> None:
    longer(Copy(copy))
    found = validate_cells(copy, parse_selection("size=M,step=5"))
    promises = [one.promise for one in found]
    assert len(promises) == len(set(promises))
    assert {KEPT, CHECKED}.isdisjoint(promises)
    (broken,) = failures(found)
    assert [row["layer"] for row in broken.rows] == [CELL.layer]


def test_only_restricts_promises_over_tables(copy: Store) -> None:
    file = table_file(copy, "cells", CELL)
    Copy(copy).table("cells", "update cells set mse = -1")
    assert file.exists()
    elsewhere = validate_cells(copy, parse_selection("size=S,step=5"))
    assert failures(elsewhere) == []
    here = failures(validate_cells(copy, ONE))
    assert "The squared error is not negative" in {one.promise for one in here}


def test_only_names_what_is_there(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="no step 7 in this study"):
        validate_cells(tiny, parse_selection("step=7"))
    copy_store(tiny, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "tables" / "cells" / CELL.partition)
    with pytest.raises(Unfinished, match="no cell is finished yet"):
        validate_cells(open_store(tmp_path / "store"), ONE)


def test_a_store_without_outcomes_is_passed_over(copy: Store) -> None:
    shutil.rmtree(str(copy.tables / "code_promises"))
    found = validate(copy)
    assert {one.status for one in found} == {"pass"}
    assert {KEPT, CHECKED}.isdisjoint({one.promise for one in found})


def test_a_promise_that_could_not_be_checked_is_told(copy: Store) -> None:
    change = "update code_promises set status = 'error', observed = 'why not'"
    Copy(copy).table(
        "code_promises", f"{change} where promise = 'Every code is finite'"
    )
    (broken,) = failures(validate(copy))
    assert broken.promise == CHECKED
    assert broken.rows[0]["observed"] == "why not"


# -- the checkpoint ----------------------------------------------------------------


@pytest.fixture
def elsewhere(copied_study: Study, tmp_path: Path) -> Store:
    """A store whose checkpoints are not on this machine."""
    store = open_store(copied_study.store)
    store.study = as_study(store, checkpoint=str(tmp_path / "gone" / "{step}"))
    return store


def views(store: Store) -> set[str]:
    ((_, found),) = check_codes(store, [CELL])
    return {one.view for one in found}


def test_without_its_checkpoint_a_cell_is_not_encoded_again(elsewhere: Store) -> None:
    assert "reencoded" not in views(elsewhere)


def test_another_checkpoint_is_told(
    elsewhere: Store, tiny: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny.study.model("M").checkpoint.replace("{step}", "40")
    elsewhere.study = as_study(elsewhere, checkpoint=other)
    assert "reencoded" not in views(elsewhere)
    assert "M/5: no token is encoded again" in capsys.readouterr().err
