"""The learning-rate search: one pass, every result kept, the winner used."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import CheckpointsFailed
from bisae.grid import Cell, Selection
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks
from bisae.pipeline.build import build
from bisae.pipeline.prepare import search
from bisae.sae import from_numpy
from bisae.store import Store, table_file
from bisae.study import Sae, Study, dump_study
from bisae.train import learning_rates

RATES = [5e-4, 2e-3, 1e-2]
MIDDLE = [Cell("S", 40, 1), Cell("M", 40, 1)]


def asked(tiny: Store, place: Path, **sae: Any) -> Study:
    """The tiny study elsewhere, its first size without a rate of its own."""
    raw = tiny.study.model_dump()
    raw |= {"store": str(place / "store"), "work_dir": str(place / "work")}
    raw["sae"] |= {"lr": "search", "lr_grid": RATES} | sae
    return Study.model_validate(raw)


@pytest.fixture(scope="module")
def searched(
    tiny: Store, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, list[list[int]]]:
    """The store after a search, and the layers of every pass over a block."""
    passes: list[list[int]] = []
    plain = LanguageModel.hidden_states

    def counted(self: LanguageModel, *args: Any) -> Any:
        passes.append(list(args[2]))
        return plain(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LanguageModel, "hidden_states", counted)
        store = search(asked(tiny, tmp_path_factory.mktemp("search")))
    return store, passes


def rows(store: Store, cell: Cell) -> list[dict[str, Any]]:
    actual: list[dict[str, Any]] = pq.read_table(
        table_file(store, "lr_search", cell), partitioning=None
    ).to_pylist()
    return actual


def test_every_rate_of_every_size_is_kept(
    searched: tuple[Store, list[list[int]]],
) -> None:
    for cell in MIDDLE:
        actual = rows(searched[0], cell)
        assert [row["lr"] for row in actual] == RATES
        assert {(row["size"], row["step"], row["layer"]) for row in actual} == {cell}


def test_all_rates_learn_from_one_pass(searched: tuple[Store, list[list[int]]]) -> None:
    store, passes = searched
    per_block = store.study.lm.batch_documents
    blocks = {
        split: -(-store.n_documents(split) // per_block) for split in ("train", "valid")
    }
    probes = [layers for layers in passes if layers != [1]]
    assert probes == [[2]] * 2 + [[3]] * 2  # whether each model is causal
    assert len(passes) - len(probes) == 2 * sum(blocks.values())


def test_a_result_is_what_training_at_that_rate_gives(
    tiny: Store, searched: tuple[Store, list[list[int]]], tmp_path: Path
) -> None:
    """Train one cell the ordinary way, and take its error over the validation text."""
    cell, lr = MIDDLE[0], RATES[1]
    study = asked(tiny, tmp_path, lr=lr)
    only = Selection(frozenset({"S"}), frozenset({40}), frozenset({1}))
    store = build(study, only, ("train",))
    from bisae.lm import load_lm

    lm = load_lm(study.model("S").checkpoint_at(40)[0])
    source = StateBlocks(store, store.split("valid"), lm, [cell])
    x = unit_states(
        torch.cat([source[number].layers[1] for number in range(len(source))])
    )
    sae = from_numpy(store.weights(cell), study.sae, "cpu")
    recon = sae.decode(sae.encode(x).stored())
    mse = np.square((recon - x).double().numpy()).sum(1).mean()
    row = next(row for row in rows(searched[0], cell) if row["lr"] == lr)
    assert row["mse"] == pytest.approx(mse, rel=1e-6)


def test_the_winner_has_the_least_error(
    searched: tuple[Store, list[list[int]]],
) -> None:
    store = searched[0]
    actual = learning_rates(store)
    assert actual.names == ["size", "step", "layer", "lr", "mse", "n_rates"]
    for cell, values in zip(sorted(MIDDLE), actual.values, strict=True):
        best = min(rows(store, cell), key=lambda row: row["mse"])
        assert values == (*cell, best["lr"], best["mse"], 3)


def test_a_finished_search_is_not_done_again(
    tiny: Store,
    searched: tuple[Store, list[list[int]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = asked(tiny, tmp_path)
    shutil.copytree(str(searched[0].path), study.store)
    times = [
        table_file(searched[0], "lr_search", cell).stat().st_mtime_ns for cell in MIDDLE
    ]
    monkeypatch.setattr(LanguageModel, "hidden_states", None)
    store = search(study)
    assert times == [
        table_file(store, "lr_search", cell).stat().st_mtime_ns for cell in MIDDLE
    ]


def test_build_uses_the_winners(
    tiny: Store, searched: tuple[Store, list[list[int]]], tmp_path: Path
) -> None:
    study = asked(tiny, tmp_path)
    shutil.copytree(str(searched[0].path), study.store)
    only = Selection(frozenset(), frozenset({0}), frozenset({1}))
    store = build(study, only, ("train", "encode", "export"))
    winner = dict(zip("MS", learning_rates(store).values, strict=True))["S"][3]
    assert store.attributes(Cell("S", 0, 1), "sae")["lr"] == winner
    assert store.attributes(Cell("M", 0, 1), "sae")["lr"] == 3e-3  # its own
    result = CliRunner().invoke(
        main, ["sql", study.store, "from figure_11", "--format", "json"]
    )
    drawn = json.loads(result.stdout)
    assert [item["lr"] for item in drawn] == RATES * 2
    assert sum(item["is_best"] for item in drawn) == 2
    result = CliRunner().invoke(main, ["report", study.store])
    assert result.exit_code == 0, result.output
    assert (Path(study.store) / "reports" / "figures" / "figure_11.svg").exists()


def test_build_searches_where_nobody_has(tiny: Store, tmp_path: Path) -> None:
    study = asked(tiny, tmp_path, lr_grid=[1e-3, 2e-3])
    only = Selection(frozenset({"S"}), frozenset({0}), frozenset({1}))
    store = build(study, only, ("train",))
    assert table_file(store, "lr_search", MIDDLE[0]).exists()
    assert not table_file(store, "lr_search", MIDDLE[1]).exists()  # has its own rate


def test_a_rate_that_diverges_loses_and_the_others_go_on(
    tiny: Store, tmp_path: Path
) -> None:
    store = search(asked(tiny, tmp_path, lr_grid=[1e-3, 3e38]))
    for cell in MIDDLE:
        good, bad = rows(store, cell)
        assert good["mse"] < 1
        assert bad["mse"] == math.inf
    assert [row[3] for row in learning_rates(store).values] == [1e-3, 1e-3]


def test_where_every_rate_diverges_the_build_says_so(
    tiny: Store, tmp_path: Path
) -> None:
    study = asked(tiny, tmp_path, lr_grid=[3e38])
    with pytest.raises(CheckpointsFailed, match=r": no learning rate for S yet; run"):
        build(study, Selection(frozenset({"S"})), ("train",))


def test_the_command_prints_the_winners(
    tiny: Store, searched: tuple[Store, list[list[int]]], tmp_path: Path
) -> None:
    study = asked(tiny, tmp_path)
    shutil.copytree(str(searched[0].path), study.store)
    path = tmp_path / "study.toml"
    path.write_text(dump_study(study))
    message = CliRunner().invoke(main, ["lr-search", str(path), "--format", "csv"])
    assert message.exit_code == 0, message.output
    assert message.stdout.startswith("size,step,layer,lr,mse,n_rates\nM,40,1,")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("lr", 0, 'give a rate above 0, or "search", not 0'),
        ("lr", -1e-3, 'give a rate above 0, or "search"'),
        ("lr", math.nan, 'give a rate above 0, or "search"'),
        ("lr", "fast", "not 'fast'"),
        ("lr_grid", [2e-3, 1e-3], "lr_grid must be in ascending order"),
        ("lr_grid", [0.0, 1e-3], "greater than 0"),
        ("l1", 0.1, 'l1 is the loss of architecture = "relu"'),
        ("architecture", "relu", 'l1 is the loss of architecture = "relu"'),
        ("n_features", 16, "k = 32 is more than n_features = 16; lower k"),
    ],
)
def test_a_setting_that_cannot_be_says_why(key: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sae.model_validate({key: value})


def test_auxk_is_not_for_relu() -> None:
    wrong = {"architecture": "relu", "l1": 0.1, "aux_weight": 0.5}
    with pytest.raises(ValueError, match='aux_weight is for architecture = "topk"'):
        Sae.model_validate(wrong)
