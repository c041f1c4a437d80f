"""SAELens and sparsify themselves: they read what we write, and compute what we import.

Needs the extra `interop`, which `make test-slow` installs.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from bisae.grid import Cell
from bisae.interop.export import export_saes
from bisae.interop.files import Files
from bisae.interop.foreign import convert
from bisae.interop.formats import detect
from bisae.lm import load_lm
from bisae.lm.states import StateBlocks
from bisae.sae import Autoencoder, from_attributes, load_autoencoder
from bisae.store import Store
from support.foreign import (
    LAYOUTS,
    SCALED,
    D,
    N,
    Plain,
    normal,
    write_dictionary_learning,
    write_gemma_scope,
    write_gemma_scope_2,
    write_goodfire,
    write_llama_scope,
    write_qwen_scope,
    write_sparsify,
)

# Otherwise sparsify uses Triton wherever it is installed, also without a GPU.
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
sae_lens: Any = pytest.importorskip("sae_lens", reason="pip install '.[interop]'")
sparsify: Any = pytest.importorskip("sparsify", reason="pip install '.[interop]'")
loaders: Any = pytest.importorskip("sae_lens.loading.pretrained_sae_loaders")
pytestmark = pytest.mark.slow

CELLS = [Cell("S", 40, 1), Cell("S", 40, 2), Cell("M", 40, 3)]


def states_of(store: Store, cell: Cell) -> torch.Tensor:
    """Hidden states of the evaluation text, and random ones of the same width."""
    lm = load_lm(store.study.model(cell.size).checkpoint_at(cell.step)[0])
    h = StateBlocks(store, store.split("eval"), lm, [cell])[0].layers[cell.layer]
    random = torch.randn(500, h.shape[1], generator=torch.Generator().manual_seed(0))
    return torch.cat([h.float(), random])


def dense(sae: Autoencoder, h: torch.Tensor) -> torch.Tensor:
    code = sae.encode(sae.input.of(h))
    z = torch.zeros(len(h), len(sae.W_enc))
    return z.scatter_add(1, code.index, code.value)


def restored(sae: Autoencoder, h: torch.Tensor) -> torch.Tensor:
    """The reconstruction of hidden states from all active features."""
    return sae.input.restore(sae.decode(sae.encode(sae.input.of(h))), h)


def equal_features(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """The active features are the same, except where their values are rounding."""
    differs = (ours > 0) != (theirs > 0)
    assert float((ours - theirs)[differs].abs().max() if differs.any() else 0) < 1e-5


# -- ours, read by them ----------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_saelens_reads_ours(cell: Cell, tiny: Store, tmp_path: Path) -> None:
    (folder,) = export_saes(tiny, [cell], "saelens", tmp_path)
    theirs = sae_lens.SAE.load_from_disk(str(folder))
    ours, h = load_autoencoder(tiny, cell, "cpu"), states_of(tiny, cell)
    with torch.no_grad():
        z = theirs.encode(h)
        recon = theirs.decode(z)
    equal_features(dense(ours, h), z)
    torch.testing.assert_close(dense(ours, h), z, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(restored(ours, h), recon, atol=1e-4, rtol=1e-4)
    assert theirs.cfg.metadata.hook_name == f"blocks.{cell.layer - 1}.hook_resid_post"


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_sparsify_reads_ours(cell: Cell, tiny: Store, tmp_path: Path) -> None:
    (folder,) = export_saes(tiny, [cell], "sparsify", tmp_path)
    theirs = sparsify.SparseCoder.load_from_disk(folder)
    many = sparsify.SparseCoder.load_many(str(folder.parent), local=True)
    assert list(many) == [f"layers.{cell.layer - 1}"]
    ours, h = load_autoencoder(tiny, cell, "cpu"), states_of(tiny, cell)
    x = ours.input.of(h)
    with torch.no_grad():
        top = theirs.encode(x)
        recon = theirs.decode(top.top_acts, top.top_indices)
    z = torch.zeros(len(h), len(ours.W_enc))
    z = z.scatter_add(1, top.top_indices, top.top_acts)
    equal_features(dense(ours, h), z)
    torch.testing.assert_close(dense(ours, h), z, atol=1e-5, rtol=1e-4)
    expected = ours.decode(ours.encode(x))
    torch.testing.assert_close(expected, recon, atol=1e-5, rtol=1e-4)


# -- theirs, read by us ----------------------------------------------------------------


def imported(path: Path, k: int) -> tuple[Autoencoder, torch.Tensor]:
    """Our autoencoder, and the norms that its values are multiplied by."""
    files = Files(path, 2)
    weights, attributes = convert(foreign := detect(files).read(files), k)
    sae = from_attributes(weights, attributes, N, "cpu")
    norm = foreign.W_dec.float().norm(dim=1) / foreign.gain
    if foreign.ranks_by_norm or (norm - 1).abs().max() <= 1e-4:
        norm = torch.ones(N)  # their values have the norms in them, or there are none
    return sae, norm


def compare(theirs: Any, path: Path, k: int = 4) -> None:
    h = torch.tensor(normal(300, D, seed=9) * 3 + 0.5, dtype=torch.float32)
    ours, norm = imported(path, k)
    with torch.no_grad():
        z = theirs.encode(h)
        recon = theirs.decode(z)
    equal_features(dense(ours, h) / norm, z)
    torch.testing.assert_close(dense(ours, h), z * norm, atol=2e-4, rtol=1e-3)
    torch.testing.assert_close(restored(ours, h), recon, atol=1e-3, rtol=1e-3)


SAELENS = [
    name
    for name, layout in LAYOUTS.items()
    if layout.format == "saelens" and name != "saelens-batchtopk"
]


@pytest.mark.parametrize("name", SAELENS)
def test_we_read_saelens(name: str, tmp_path: Path) -> None:
    path = LAYOUTS[name].write(tmp_path, LAYOUTS[name].sae)
    compare(sae_lens.SAE.load_from_disk(str(path)), path)


def test_we_read_what_saelens_trained(tmp_path: Path) -> None:
    """BatchTopK is saved as JumpReLU with one threshold."""
    config = sae_lens.BatchTopKTrainingSAEConfig(d_in=D, d_sae=N, k=4)
    sae = sae_lens.BatchTopKTrainingSAE(config)
    sae.topk_threshold = torch.tensor(0.4, dtype=torch.double)
    sae.save_inference_model(str(tmp_path))
    compare(sae_lens.SAE.load_from_disk(str(tmp_path)), tmp_path)


def test_we_read_sparsify(tmp_path: Path) -> None:
    path = write_sparsify(tmp_path, Plain())
    theirs = sparsify.SparseCoder.load_from_disk(path)

    class Dense:
        """sparsify's coder with the interface of SAELens."""

        def encode(self, h: torch.Tensor) -> torch.Tensor:
            self.top = theirs.encode(h)
            z = torch.zeros(len(h), N)
            return z.scatter_add(1, self.top.top_indices, self.top.top_acts)

        def decode(self, _: torch.Tensor) -> Any:
            return theirs.decode(self.top.top_acts, self.top.top_indices)

    compare(Dense(), path)


class Release(NamedTuple):
    """A release that SAELens has a loader for, as it is on the hub."""

    loader: str
    repository: str
    folder: str
    """What the loader is asked for: a folder, or a file."""
    write: Callable[[Path], Path]
    """Writes it below the repository; returns the path to import."""


THRESHOLD = replace(Plain("jumprelu", subtracts=False), W_dec=SCALED)
ONE = replace(THRESHOLD, threshold=np.full(N, 0.4))
RELEASES = {
    "gemma_2": Release(
        "gemma_2",
        "google/gemma-scope-2b-pt-res",
        "layer_1/width_16k/average_l0_4",
        lambda home: write_gemma_scope(
            home / "layer_1/width_16k/average_l0_4", THRESHOLD
        ),
    ),
    "gemma_3": Release(
        "gemma_3",
        "google/gemma-scope-2-270m-pt",
        "resid_post_all/layer_1_width_16k_l0_small",
        lambda home: write_gemma_scope_2(
            home / "resid_post_all/layer_1_width_16k_l0_small",
            THRESHOLD,
            model_name="gemma-v3-270m-pt",
        ),
    ),
    "llama_scope": Release(
        "llama_scope",
        "fnlp/Llama3_1-8B-Base-LXR-8x",
        "Llama3_1-8B-Base-L1R-8x",
        lambda home: write_llama_scope(home / "Llama3_1-8B-Base-L1R-8x", ONE),
    ),
    "qwen_scope": Release(
        "qwen_scope",
        "Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_4",
        "layer1.sae.pt",
        lambda home: write_qwen_scope(home, Plain(W_dec=SCALED, subtracts=False)),
    ),
    "goodfire": Release(
        "goodfire",
        "Goodfire/Llama-3.1-8B-Instruct-SAE-l19",
        "Llama-3.1-8B-Instruct-SAE-l19.pth",
        lambda home: write_goodfire(
            home, Plain("relu", W_dec=SCALED, subtracts=False)
        ).rename(home / "Llama-3.1-8B-Instruct-SAE-l19.pth"),
    ),
    "dictionary_learning_1": Release(
        "dictionary_learning_1",
        "canrager/lm_sae",
        "trainer_0",
        lambda home: write_dictionary_learning(home / "trainer_0", Plain()),
    ),
}


@pytest.mark.parametrize("name", RELEASES)
def test_we_read_a_release_as_saelens_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = RELEASES[name]
    path = release.write(tmp_path / release.repository)

    def download(
        repo_id: str, filename: str, subfolder: str | None = None, **_: Any
    ) -> str:
        return str(tmp_path / repo_id / (subfolder or "") / filename)

    monkeypatch.setattr(loaders, "hf_hub_download", download)
    shapes = {"w_enc": [D, N], "w_dec": [N, D]}
    monkeypatch.setattr(loaders, "get_safetensors_tensor_shapes", lambda *_: shapes)
    compare(load_release(release), path)


def load_release(release: Release) -> Any:
    """Load a release as `SAE.from_pretrained` does, with the sizes of these files."""
    load = sae_lens.loading.pretrained_sae_loaders.NAMED_PRETRAINED_SAE_LOADERS
    overrides = {"d_in": D, "d_sae": N, "dtype": "float32", "device": "cpu"}
    if release.loader == "llama_scope":
        overrides.pop("d_in")
    config, state, _ = load[release.loader](
        release.repository, release.folder, cfg_overrides=overrides
    )
    config = loaders.handle_config_defaulting(config)
    configs = sae_lens.SAE.get_sae_config_class_for_architecture(config["architecture"])
    settings = configs.from_dict(config)
    sae = sae_lens.SAE.get_sae_class_for_architecture(settings.architecture())(settings)
    sae.process_state_dict_for_loading(state)
    sae.load_state_dict(state, assign=True)
    if config.get("normalize_activations") == "expected_average_only_in":
        sae.fold_activation_norm_scaling_factor(LAYOUTS["llama-scope"].sae.scale)
    return sae
