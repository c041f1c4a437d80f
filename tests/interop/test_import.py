"""A study that trains nothing: autoencoders are imported, and all else is as always."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import torch
from click.testing import CliRunner

import bisae
from bisae.checks import failures, validate
from bisae.cli import main
from bisae.errors import CheckpointsFailed
from bisae.grid import Cell, Selection
from bisae.lm import load_lm
from bisae.lm.states import StateBlocks
from bisae.pipeline.build import build
from bisae.sae import load_autoencoder
from bisae.store import Store, open_store
from bisae.store.verify import verify
from bisae.study import Study, load_study
from support.foreign import Plain, save, tensors, write_json
from support.store_copy import copy_store
from support.studies import MODEL, make_study

N, K = 256, 4
CELLS = [Cell("S", 40, layer) for layer in (1, 2)]


def fitted(store: Store, cell: Cell, **changes: Any) -> Plain:
    """An autoencoder that fits a cell: the one trained there, for raw states."""
    weights = store.weights(cell)
    norm = 1.0 if changes.get("input") == "l2" else mean_norm(store, cell)
    return Plain(
        W_enc=weights["W_enc"].astype(float),
        W_dec=weights["W_dec"].astype(float),
        b_dec=norm * weights["b_pre"].astype(float),
        b_enc=np.zeros(N),
        k=8,
        **changes,
    )


def states_of(store: Store, cell: Cell) -> Any:
    path, _ = store.study.model(cell.size).checkpoint_at(cell.step)
    blocks = StateBlocks(store, store.split("eval"), load_lm(path), [cell])
    rows = [blocks[number].layers[cell.layer] for number in range(len(blocks))]
    return torch.cat(rows).double().numpy()


def mean_norm(store: Store, cell: Cell) -> float:
    return float(np.linalg.norm(states_of(store, cell), axis=1).mean())


def write_layers(folder: Path, saes: dict[int, Plain]) -> str:
    """Write a folder of sparsify for each layer; return the path with its field."""
    for layer, sae in saes.items():
        arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
        arrays |= tensors(W_dec=sae.W_dec, b_dec=sae.b_dec)
        hookpoint = folder / f"layers.{layer - 1}"
        save(hookpoint / "sae.safetensors", arrays)
        write_json(hookpoint / "cfg.json", {"k": sae.k, "d_in": 32})
    return str(folder / "layers.{block}")


def importing(tiny: Store, folder: Path, sae: str, **changes: Any) -> Study:
    """The tiny study's last step, importing; its text and its checkpoints."""
    study = tiny.study.model_dump(mode="json", exclude_none=True)
    of_size = next(model for model in study["models"] if model["size"] == "S")
    of_size |= {"steps": [40], "layers": [1, 2], "sae": sae} | changes
    for name in ("pretrain", "intervention"):
        del study[name]
    study |= {"models": [of_size], "store": "store", "work_dir": "work"}
    study["semantic"] = {}
    study["sae"] |= {"k": K}
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(tomli_w.dumps(study))
    return load_study(folder / "study.toml")


@pytest.fixture(scope="module")
def layers(tiny: Store) -> dict[int, Plain]:
    return {cell.layer: fitted(tiny, cell) for cell in CELLS}


def long(sae: Plain) -> Plain:
    """The same autoencoder with directions of norm 3 and a third of their codes."""
    return replace(sae, W_enc=sae.W_enc / 3, W_dec=sae.W_dec * 3)


@pytest.fixture(scope="module")
def imported(
    tiny: Store, layers: dict[int, Plain], tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """Raw states, a K of their own above the study's, directions of norm 3."""
    folder = tmp_path_factory.mktemp("imported")
    sae = write_layers(folder / "saes", {n: long(sae) for n, sae in layers.items()})
    (folder / "saes" / "README.md").write_text("---\nlicense: mit\n---\n# SAEs\n")
    return build(importing(tiny, folder, sae), Selection())


def test_codes_are_those_of_the_other_project(
    imported: Store, layers: dict[int, Plain]
) -> None:
    """The study keeps 4 of their 8; metrics are of the 8."""
    for cell in CELLS:
        theirs, h = long(layers[cell.layer]), states_of(imported, cell)
        values = 3 * theirs.codes(h)
        error = np.square(theirs.reconstruct(h) - h).sum(1).mean()
        attributes = imported.attributes(cell, "codes")
        assert attributes["mse"] == pytest.approx(error, rel=1e-3)
        variance = np.square(h - h.mean(0)).sum(1).mean()
        assert attributes["fvu"] == pytest.approx(error / variance, rel=1e-3)
        assert attributes["l0"] == pytest.approx((values > 0).sum(1).mean(), rel=1e-2)
        largest = -np.sort(-values, axis=1)[:, :K]
        cut = 1 - largest.sum() / values.sum()
        assert attributes["cut_share"] == pytest.approx(cut, rel=1e-2)
        stored = np.concatenate([block.value for block in imported.codes(cell)])
        used = stored[stored[:, 0] > 0]
        np.testing.assert_allclose(used, largest, rtol=2e-2, atol=2e-3)


def test_cross_entropy_is_that_of_their_reconstruction(imported: Store) -> None:
    """A reconstruction in the states' own scale is better than none."""
    for cell in CELLS:
        attributes = imported.attributes(cell, "codes")
        assert attributes["ce"] <= attributes["ce_recon"] < attributes["ce_zero"]


def test_every_check_passes_and_every_byte_is_right(imported: Store) -> None:
    assert failures(validate(imported)) == []
    verified = verify(imported, Selection())
    assert (verified.findings, verified.unfinished) == ([], 0)


def test_cells_say_where_they_are_from(imported: Store) -> None:
    opened = bisae.open(str(imported.path))
    rows = opened.sql("from cells order by layer").to_dict("records")
    for row, block in zip(rows, (0, 1), strict=True):
        assert row["source"].endswith(f"saes/layers.{block}")
        assert row["source_file"] == "sae.safetensors"
        assert len(row["source_sha256"]) == 64
        assert row["source_licence"] == "mit"
        assert row["conversions"].startswith("directions to unit norm")
        assert (row["input"], row["top_k"], row["k"]) == ("none", 8, K)
        assert row["sae_step"] == row["step"] == 40
        assert np.isnan(row["lr"])
    assert rows[0]["source_sha256"] != rows[1]["source_sha256"]


def test_trained_cells_say_nothing_of_a_source(tiny: Store) -> None:
    rows = bisae.open(str(tiny.path)).sql(
        "select distinct input, source, top_k from cells"
    )
    assert rows["input"].tolist() == ["l2"]
    assert rows[["source", "top_k"]].isna().all(axis=None)


def test_only_what_needs_it_is_of_version_2(imported: Store, tiny: Store) -> None:
    cell = CELLS[0]
    parts = [imported.attributes(cell, name) for name in ("train", "codes")]
    assert {part["bisae_format_version"] for part in parts} == {1}
    assert imported.attributes(cell, "sae")["bisae_format_version"] == 2
    assert len(imported.loss(cell)) == 0
    for store, version in ((imported, 2), (tiny, 1)):
        text = (store.zarr / "zarr.json").read_text()
        assert f'"bisae_format_version": {version}' in text


def test_a_second_build_writes_nothing(imported: Store) -> None:
    file = imported.folder(CELLS[0]) / "sae" / "zarr.json"
    before = file.stat().st_mtime_ns
    build(load_study(Path(str(imported.path)).parent / "study.toml"), Selection())
    assert file.stat().st_mtime_ns == before


def test_status_and_plan_know_imported_cells(imported: Store) -> None:
    status = run("status", imported.path)
    assert "all is finished" in status.stderr
    planned = run("plan", Path(str(imported.path)).parent / "study.toml")
    assert "import" in planned.stderr


def test_the_report_says_that_they_are_imported(imported: Store) -> None:
    page = Path(run("report", imported.path).stdout.strip()).read_text()
    assert "2 of 2 cells\n  import theirs" in page
    assert "apply one" not in page


def test_an_imported_cell_can_be_copied(imported: Store, tmp_path: Path) -> None:
    run("cp", imported.path, tmp_path / "copy")
    copied = open_store(tmp_path / "copy")
    assert verify(copied, Selection()).findings == []
    sae = load_autoencoder(copied, CELLS[1], "cpu")
    assert (sae.k, sae.input.kind) == (K, "none")


def test_a_store_gets_its_new_version_with_its_first_import(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    """One layer is trained, another imported later: both are in one store."""
    copy_store(tiny, tmp_path / "store")
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    sae = write_layers(tmp_path / "saes", layers)
    models = [
        model.model_copy(update={"sae": sae, "sae_step": 40}) for model in study.models
    ]
    study = study.model_copy(update={"models": tuple(models)}).with_written_paths({})
    shutil.rmtree(tmp_path / "store" / "bisae.zarr" / "cells" / str(CELLS[0]) / "sae")
    only = Selection(frozenset({"S"}), frozenset({40}), frozenset({1}))
    build(study, only, ("train",))
    store = open_store(tmp_path / "store")
    assert store.attributes(CELLS[0], "sae")["source"].endswith("layers.0")
    assert "source" not in store.attributes(CELLS[1], "sae")
    assert verify(store, Selection(layers=frozenset({2}))).findings == []


def test_one_step_applied_to_others(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path, capsys: Any
) -> None:
    """It is labelled, and no layer is refused: the FVU tells how well it fits."""
    sae = write_layers(tmp_path / "saes", layers)
    study = importing(tiny, tmp_path, sae, steps=[5, 40], sae_step=40, layers=[1])
    store = build(study, Selection(), ("train", "encode"))
    assert "5: applying autoencoders that were trained on step 40" in (
        capsys.readouterr().err
    )
    early, late = (store.attributes(Cell("S", step, 1), "sae") for step in (5, 40))
    assert (early["sae_step"], late["sae_step"]) == (40, 40)
    assert early["source_sha256"] == late["source_sha256"]


# -- what stops ------------------------------------------------------------------------


def run(*words: object) -> Any:
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result


def refused(study: Study) -> str:
    """The reason that an import stops for; nothing is written."""
    with pytest.raises(CheckpointsFailed) as caught:
        build(study, Selection(), ("train",))
    store = open_store(study.store)
    assert not any(store.cell_status(cell).sae for cell in store.cells)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_wrong_layer_is_named(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    """Qwen-Scope's files say nothing of their layer, so only FVU can tell."""
    for layer in (1, 2):
        sae = layers[3 - layer]
        arrays = tensors(W_enc=sae.W_enc, W_dec=sae.W_dec.T, b_dec=sae.b_dec)
        arrays |= tensors(b_enc=sae.b_enc - sae.W_enc @ sae.b_dec)
        save(tmp_path / "saes" / f"layer{layer}.pt", arrays)
    said = refused(importing(tiny, tmp_path, "saes/layer{layer}.pt"))
    assert "it fits layer 2 better than layer 1, for which it is imported: FVU" in said


def test_the_layer_that_files_name_is_believed(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    write_layers(tmp_path / "saes", layers)
    said = refused(importing(tiny, tmp_path, "saes/layers.{layer}", layers=[1]))
    assert "its files say that it is of layer 2, and it is imported for layer 1" in said


def test_an_absurd_fvu_stops(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    strange = replace(layers[1], W_dec=draw.normal(size=(N, 32)))
    sae = write_layers(tmp_path / "saes", {1: strange})
    said = refused(importing(tiny, tmp_path, sae, layers=[1]))
    assert "FVU" in said
    assert "fit" in said


def test_the_last_bad_layer_stops_the_first(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    few = replace(layers[2], W_enc=layers[2].W_enc[:9], W_dec=layers[2].W_dec[:9])
    few = replace(few, b_enc=np.zeros(9))
    sae = write_layers(tmp_path / "saes", {1: layers[1], 2: few})
    said = refused(importing(tiny, tmp_path, sae))
    assert (
        "layers.1/sae.safetensors: it has 9 features, [sae] n_features is 256" in said
    )


@pytest.mark.parametrize(
    ("sae", "said"),
    [
        ("saes/layers.{layer}", "layers.2: {folder}/saes has layers.0, layers.1"),
        ("saes/nowhere/{layer}", "{folder}/saes has layers.0, layers.1"),
        ("saes/l*.{layer}", "no autoencoder matches {folder}/saes/l*.2: {folder}/saes"),
        (
            "saes/*s.*",
            "2 paths match {folder}/saes/*s.*, not one: {folder}/saes/layers.0",
        ),
    ],
)
def test_a_pattern_that_matches_nothing_names_what_is_there(
    sae: str, said: str, tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    write_layers(tmp_path / "saes", layers)
    study = importing(tiny, tmp_path, sae, layers=[2])
    assert said.format(folder=tmp_path) in refused(study)


def test_a_pattern_that_matches_one(
    tiny: Store, layers: dict[int, Plain], tmp_path: Path
) -> None:
    write_layers(tmp_path / "saes" / "average_l0_8", layers)
    study = importing(tiny, tmp_path, "saes/average_l0_*/layers.{block}")
    store = build(study, Selection(), ("train",))
    assert all(store.cell_status(cell).sae for cell in store.cells)


def test_a_hub_name(
    tiny: Store,
    layers: dict[int, Plain],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without network the cache is read; what it lacks is one line."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    sae = "owner/name/layers.{block}"
    said = refused(importing(tiny, tmp_path, sae))
    assert "cannot load owner/name/layers.0 from the hub: " in said
    home = tmp_path / "hub" / "models--owner--name"
    write_layers(home / "snapshots" / ("0" * 40), layers)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    store = build(importing(tiny, tmp_path, sae), Selection(), ("train",))
    assert store.attributes(CELLS[1], "sae")["source"] == "owner/name/layers.1"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            {"sae": "x/{layr}"},
            "unknown field {layr}; known are {step}, {size}, {layer}",
        ),
        ({"sae": "x"}, "sae = 'x' is the same for every layer; put {layer} or {block}"),
        (
            {"sae": "x/{layer}", "steps": [5, 40]},
            "is the same for every step; put {step} in it, or give sae_step",
        ),
        ({"sae_step": 4}, "sae_step and sae_format describe imported autoencoders"),
        ({"sae": "x", "sae_format": "gguf"}, "Input should be 'auto', 'saelens', "),
    ],
)
def test_a_study_that_is_unclear(model: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make_study(None, models=[MODEL | model])
