"""Exported autoencoders: what others read is what we have, and comes back unchanged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import load_file

from bisae.cli import main
from bisae.cli.transfer import TARGETS
from bisae.errors import AutoencoderError, Unfinished
from bisae.grid import Cell
from bisae.interop import export
from bisae.interop.export import export_saes
from bisae.interop.files import Files
from bisae.interop.foreign import convert
from bisae.interop.formats import detect
from bisae.sae import from_attributes
from bisae.store import Store
from support.foreign import D, K, N, Plain, normal
from support.foreign_cells import write_cell
from support.training import make_store

CELL = Cell("1M", 7, 2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One encoded cell of width 16, and one whose weights say they are imported."""
    store = make_store(tmp_path / "store", n_features=N, k=K)
    write_cell(store, CELL, Plain(b_enc=np.zeros(N), b_dec=normal(D, seed=8)))
    return store


def exported(store: Store, target: str, cell: Cell = CELL) -> Path:
    (folder,) = export_saes(store, [cell], target, Path(str(store.path)).parent / "out")
    return folder


def weights_back(folder: Path, layer: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    files = Files(folder, layer)
    foreign = detect(files).read(files)
    assert foreign.layer in (None, layer)
    return convert(foreign, K)


@pytest.mark.parametrize(
    "target", ["saelens", "sparsify", "dictionary_learning", "llm-jp"]
)
def test_round_trips_are_bit_identical(target: str, store: Store) -> None:
    weights, attributes = weights_back(exported(store, target))
    ours = store.weights(CELL)
    assert weights.keys() == ours.keys()
    for name, array in ours.items():
        assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights[name], array, name)
    assert attributes["top_k"] == K
    kinds = {"saelens": "l2", "llm-jp": "l2"}  # the others cannot say it
    assert attributes["input"] == kinds.get(target, "none")


def test_a_width_whose_root_is_no_power_of_two_needs_float64(tmp_path: Path) -> None:
    """W / sqrt(d) sqrt(d) in float32 is not W."""
    store = make_store(tmp_path / "store", n_features=N, k=K)
    wide = Plain(
        W_enc=normal(N, 18, seed=1),
        W_dec=normal(N, 18, seed=2),
        b_dec=normal(18, seed=3),
    )
    write_cell(store, CELL, wide)
    folder = exported(store, "saelens")
    assert load_file(folder / "sae_weights.safetensors")["W_enc"].dtype == np.float64
    weights, _ = weights_back(folder)
    for name, array in store.weights(CELL).items():
        np.testing.assert_array_equal(weights[name], array, name)


def test_float32_where_nothing_is_lost(store: Store) -> None:
    """sqrt(16) is 4."""
    arrays = load_file(exported(store, "saelens") / "sae_weights.safetensors")
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("sae", "attributes"),
    [
        (Plain("jumprelu"), {"top_k": None, "input": "none"}),
        (Plain("jumprelu"), {"top_k": None, "input": "scale", "input_scale": 0.3}),
        (Plain("relu"), {"top_k": None, "input": "layernorm"}),
        (Plain(), {"top_k": 7, "input": "none"}),
    ],
    ids=["jumprelu", "scaled", "layernorm", "topk"],
)
def test_imported_cells_can_be_handed_on(
    sae: Plain, attributes: dict[str, Any], tmp_path: Path
) -> None:
    """Codes stay the same; a scaled input becomes a raw one."""
    store = make_store(tmp_path / "store", n_features=N, k=K)
    write_cell(store, CELL, sae, **attributes)
    arrays, stated = weights_back(exported(store, "saelens"))
    h = torch.tensor(normal(50, D, seed=9) * 3, dtype=torch.float32)
    codes = []
    for weights, recorded in (
        (store.weights(CELL), store.attributes(CELL, "sae")),
        (arrays, stated),
    ):
        ours = from_attributes(weights, recorded, K, "cpu")
        code = ours.encode(ours.input.of(h))
        codes.append((code, ours.input.restore(ours.decode(code), h)))
    (code, recon), (again, recon_again) = codes
    np.testing.assert_array_equal(code.index, again.index)
    np.testing.assert_allclose(recon, recon_again, atol=1e-4)


def test_the_files_say_where_they_are_from(store: Store) -> None:
    folder = exported(store, "saelens")
    metadata = json.loads((folder / "cfg.json").read_text())["metadata"]
    assert metadata["hook_name"] == "blocks.1.hook_resid_post"
    assert metadata["model_name"] == "/lm/7"
    assert (metadata["context_size"], metadata["prepend_bos"]) == (9, True)
    text = (folder / "README.md").read_text()
    for said in ("block 2", "x = h / norm(h)", "/lm/7", "windows of 9 tokens"):
        assert said in text


def test_a_format_that_cannot_say_the_input_says_so_once(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cell(store, Cell("1M", 7, 1), Plain(b_enc=np.zeros(N)))
    output = Path(str(store.path)).parent / "out"
    folders = list(export_saes(store, store.cells, "sparsify", output))
    assert [folder.name for folder in folders] == ["layers.0", "layers.1"]
    assert capsys.readouterr().err.count("whoever loads them must scale") == 1
    assert "must scale states beforehand" in (folders[1] / "README.md").read_text()


@pytest.mark.parametrize(
    ("sae", "kind", "target", "said"),
    [
        (Plain("jumprelu"), "none", "sparsify", "sparsify holds TopK autoencoders"),
        (Plain("relu"), "none", "dictionary_learning", "--to saelens holds it"),
        (Plain(), "none", "llm-jp", "read unit states, and this one does not"),
    ],
)
def test_what_a_format_cannot_hold(
    sae: Plain, kind: str, target: str, said: str, tmp_path: Path
) -> None:
    store = make_store(tmp_path / "store", n_features=N, k=K)
    top_k = K if sae.activation == "topk" else None
    write_cell(store, CELL, sae, top_k=top_k, input=kind)
    with pytest.raises(AutoencoderError, match=said):
        exported(store, target)


def test_nothing_is_overwritten(store: Store) -> None:
    for target in ("saelens", "delphi"):
        exported(store, target)
        with pytest.raises(AutoencoderError, match="exists already; remove it, or"):
            exported(store, target)


def test_a_cell_that_is_not_encoded(store: Store) -> None:
    with pytest.raises(Unfinished, match="cell 1M/7/1 is not encoded; `bisae build`"):
        exported(store, "saelens", Cell("1M", 7, 1))


def test_delphi_has_every_code(store: Store) -> None:
    folder = exported(store, "delphi")
    assert folder.parts[-2:] == ("latents", "layers.1")
    context, actual = store.study.corpus.context, {}
    for file in folder.glob("*.safetensors"):
        start, end = map(int, file.stem.split("_"))
        arrays = load_file(file)
        assert arrays["locations"].dtype == np.uint16
        assert arrays["locations"][:, 2].max() <= end - start
        assert arrays["tokens"].shape == (60, context)
        assert (arrays["tokens"][:, 0] == 0).all()
        values = arrays["activations"]
        for (sequence, position, latent), value in zip(
            arrays["locations"].tolist(), values, strict=True
        ):
            row = sequence * (context - 1) + position - 1
            actual[row, latent + start] = value
    expected = {}
    for block in store.codes(CELL):
        for row, slot in zip(*block.value.nonzero(), strict=True):
            expected[row, block.index[row, slot]] = block.value[row, slot]
    assert actual == expected
    counts = torch.load(folder.parents[1] / "log" / "hookpoint_firing_counts.pt")
    assert int(counts["layers.1"].sum()) == len(expected)
    assert json.loads((folder / "config.json").read_text())["model_name"] == "/lm/7"


def test_the_command(store: Store, tmp_path: Path) -> None:
    words = ["export-sae", str(store.path), "--to", "sparsify", "--only", "layer=2"]
    result = CliRunner().invoke(main, [*words, "--output", str(tmp_path / "saes")])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path}/saes/1M/7/layers.1\n"


def test_the_command_knows_every_target() -> None:
    assert TARGETS == export.TARGETS
