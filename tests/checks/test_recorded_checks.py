"""Results of checks of codes: recorded when a cell is built, and read after."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bisae.checks import failures, validate
from bisae.checks import recorded as checking
from bisae.checks.code_checks import code_checks
from bisae.checks.recorded import check_codes, validate_cells
from bisae.cli import main
from bisae.errors import AddressError, Unfinished
from bisae.grid import Selection, parse_selection
from bisae.pipeline.build import build
from bisae.query import connect, read_check_views
from bisae.store import Store, open_store, table_file
from bisae.study import Study
from support.cell_copy import CELL, Copy
from support.code_faults import longer, negative, slot
from support.store_copy import copy_store

N_CHECKS = len(code_checks().checks)
FAILED = "code_checks_failed"
NOT_RUN = "code_checks_not_run"
NEGATIVE = "code_rows_negative"
ENCODED_AGAIN = {"reencoded_other_features", "reencoded_other_values"}
ONE = Selection(frozenset({CELL.size}), frozenset({CELL.step}), frozenset({CELL.layer}))
ONLY = f"size={CELL.size},step={CELL.step},layer={CELL.layer}"


def recorded(store: Store) -> Path:
    return Path(str(table_file(store, "code_checks", CELL)))


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(store, query=query)) as con:
        return con.execute(query).fetchall()


def here() -> str:
    return f"(size, step, layer) = {(*CELL,)}"


def as_study(store: Store, **changes: Any) -> Study:
    """The study of a copied store, with a model changed."""
    models = tuple(model.model_copy(update=changes) for model in store.study.models)
    update = {"store": str(store.path), "models": models}
    return store.study.model_copy(update=update)


def asked(store: Store, *more: str) -> Result:
    return CliRunner().invoke(main, ["validate", str(store.path), *more])


def test_every_cell_has_its_results(tiny: Store) -> None:
    query = "select size, step, layer, status, n_bad, rows from code_checks"
    actual = rows(tiny, query)
    assert sorted({row[:3] for row in actual}) == sorted(map(tuple, tiny.cells))
    assert len(actual) == len(tiny.cells) * N_CHECKS
    assert {row[3:] for row in actual} == {("pass", 0, "[]")}


def test_what_is_recorded_is_not_done_again(copied_study: Study) -> None:
    store = open_store(copied_study.store)
    before = recorded(store).stat().st_mtime_ns
    build(copied_study, ONE, ("export", "check"))
    assert recorded(store).stat().st_mtime_ns == before


def test_it_is_done_again_where_tables_are_of_other_settings(
    copied_study: Study,
) -> None:
    store = open_store(copied_study.store)
    before = recorded(store).stat().st_mtime_ns
    features = copied_study.features.model_copy(update={"firing_threshold": 0.8})
    build(
        copied_study.model_copy(update={"features": features}), ONE, ("export", "check")
    )
    assert recorded(store).stat().st_mtime_ns > before
    query = f"select distinct status from code_checks where {here()}"
    assert rows(store, query) == [("pass",)]


def test_a_failed_check_is_recorded_and_fails_validate(copied_study: Study) -> None:
    store = open_store(copied_study.store)
    row = slot(negative)(Copy(store))
    recorded(store).unlink()
    build(copied_study, ONE, ("export", "check"))
    (failed,) = failures(validate(store))
    assert (failed.check, failed.n_bad) == (FAILED, 1)
    (result,) = failed.rows
    assert result.items() >= CELL._asdict().items()
    assert result["check_name"] == NEGATIVE
    assert json.loads(result["rows"]) == [CELL._asdict() | row | {"n_negative": 1}]
    actual = asked(store)
    assert actual.exit_code == 1
    assert "1 of " in actual.stderr


def test_only_checks_cells_afresh_and_writes_nothing(copy: Store) -> None:
    slot(negative)(Copy(copy))
    location = Path(str(copy.path))
    before = {path: path.stat().st_mtime_ns for path in location.rglob("*")}
    assert failures(validate(copy)) == []
    actual = asked(copy, "--only", ONLY, "--format", "json")
    assert actual.exit_code == 1
    (failed,) = (x for x in json.loads(actual.stdout) if x["result"] == "fail")
    assert failed["check"] == NEGATIVE
    assert {row["layer"] for row in failed["rows"]} == {3}
    assert asked(copy, "--only", "size=M,step=5,layer=1").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in location.rglob("*")} == before


def test_results_of_several_cells_are_one(copy: Store) -> None:
    longer(Copy(copy))
    actual = validate_cells(copy, parse_selection("size=M,step=5"))
    names = [item.check for item in actual]
    assert len(names) == len(set(names))
    assert {FAILED, NOT_RUN}.isdisjoint(names)
    (failed,) = failures(actual)
    assert [row["layer"] for row in failed.rows] == [CELL.layer]


def test_only_restricts_checks_of_tables(copy: Store) -> None:
    file = table_file(copy, "cells", CELL)
    Copy(copy).table("cells", "update cells set mse = -1")
    assert file.exists()
    elsewhere = validate_cells(copy, parse_selection("size=S,step=5"))
    assert failures(elsewhere) == []
    here = failures(validate_cells(copy, ONE))
    assert "cells_mse_negative" in {item.check for item in here}


def test_only_names_what_is_there(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="no step 7 in this study"):
        validate_cells(tiny, parse_selection("step=7"))
    copy_store(tiny, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "tables" / "cells" / CELL.partition)
    with pytest.raises(Unfinished, match="no cell is finished yet"):
        validate_cells(open_store(tmp_path / "store"), ONE)


def test_a_store_without_results_is_passed_over(copy: Store) -> None:
    shutil.rmtree(str(copy.tables / "code_checks"))
    actual = validate(copy)
    assert {item.status for item in actual} == {"pass"}
    assert {FAILED, NOT_RUN}.isdisjoint({item.check for item in actual})


def test_a_check_that_could_not_run_is_shown(copy: Store) -> None:
    change = "update code_checks set status = 'error', observed = 'why not'"
    Copy(copy).table(
        "code_checks", f"{change} where check_name = 'code_rows_not_finite'"
    )
    (failed,) = failures(validate(copy))
    assert failed.check == NOT_RUN
    assert failed.rows[0]["observed"] == "why not"


# -- the checkpoint ----------------------------------------------------------------


@pytest.fixture
def elsewhere(copied_study: Study, tmp_path: Path) -> Store:
    """A store whose checkpoints are not on this machine."""
    store = open_store(copied_study.store)
    store.study = as_study(store, checkpoint=str(tmp_path / "gone" / "{step}"))
    return store


def checks(store: Store) -> set[str]:
    ((_, results),) = check_codes(store, [CELL])
    return {result.check for result in results}


def test_without_its_checkpoint_a_cell_is_not_encoded_again(elsewhere: Store) -> None:
    assert ENCODED_AGAIN.isdisjoint(checks(elsewhere))


def test_another_checkpoint_is_told(
    elsewhere: Store, tiny: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    second = tiny.study.model("M").checkpoint.replace("{step}", "40")
    elsewhere.study = as_study(elsewhere, checkpoint=second)
    assert ENCODED_AGAIN.isdisjoint(checks(elsewhere))
    assert "M/5: skipping the checks that encode again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "runs"),
    [("No code is negative", "Codes are positive", False), ("> 0", "> 1 - 1", True)],
)
def test_a_check_runs_again_if_its_query_changed_not_its_words(
    copied_study: Study,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    runs: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    file = recorded(open_store(copied_study.store))
    before = file.stat().st_mtime_ns
    views = read_check_views(of_codes=True)
    view = views[NEGATIVE]
    assert old in view.select
    changed = view._replace(select=view.select.replace(old, new))
    changed_views = views | {NEGATIVE: changed}
    monkeypatch.setattr(checking, "read_check_views", lambda **_: changed_views)
    build(copied_study, ONE, ("export", "check"))
    assert (file.stat().st_mtime_ns > before) == runs
