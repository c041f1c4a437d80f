"""Each layout, written by hand, gives the codes that its project computes."""

import gc
import json
import pickle
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from bisae.errors import AutoencoderError
from bisae.interop.files import Files
from bisae.interop.foreign import check_tensors, convert
from bisae.interop.formats import FORMATS, detect, read_autoencoder
from bisae.interop.hooks import layer_of
from bisae.sae import Autoencoder, from_attributes
from bisae.study.model import SaeFormat
from support.foreign import (
    LAYOUTS,
    SCALED,
    D,
    K,
    N,
    Plain,
    normal,
    save,
    tensors,
    write_gemma_scope,
    write_gemma_scope_2,
    write_json,
    write_llama_scope,
    write_openai,
    write_saelens,
    write_sparsify,
)

TOKENS = 200


def imported(path: Path, k: int = K, layer: int = 2) -> Autoencoder:
    files = Files(path, layer)
    foreign = detect(files).read(files)
    check_tensors(foreign, N, D, "it")
    weights, attributes = convert(foreign, k)
    return from_attributes(weights, attributes, k, "cpu")


def dense(sae: Autoencoder, h: torch.Tensor) -> Any:
    """The (tokens, n) form of an autoencoder's code."""
    code = sae.encode(sae.input.of(h))
    z = np.zeros((len(h), N))
    rows = np.arange(len(h))[:, None]
    np.add.at(z, (rows, code.index.numpy()), code.value.double().numpy())
    return z


def refusal(path: Path, layer: int = 2) -> str:
    files = Files(path, layer)
    with pytest.raises(AutoencoderError) as caught:
        check_tensors(read_autoencoder(detect(files), files), N, D, str(files))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_study_can_name_every_format() -> None:
    assert get_args(SaeFormat) == ("auto", *(form.NAME for form in FORMATS))


@pytest.mark.parametrize("name", LAYOUTS)
def test_codes_and_reconstructions_are_theirs(name: str, tmp_path: Path) -> None:
    """With K = n nothing is cut; values are multiplied by the norms of directions."""
    layout = LAYOUTS[name]
    path = layout.write(tmp_path / "sae", layout.sae)
    files = Files(path, 2)
    assert layout.format == detect(files).NAME
    assert layout.format == detect(files, layout.format).NAME
    h = normal(TOKENS, D, seed=9) * 3 + 0.5
    states, theirs = torch.tensor(h, dtype=torch.float32), layout.sae
    k = K if name in ("llm-jp-first", "qwen-scope") else N  # which do not say their K
    sae = imported(path, k)
    loose = 2e-2 if name in ("llm-jp-older", "llm-jp-first") else 1e-4  # bfloat16
    gain = 4.0 if theirs.input == "rescaled" else 1.0
    norm = np.linalg.norm(theirs.W_dec, axis=1)
    norm = norm if (abs(norm / gain - 1) > 1e-4).any() else 1.0
    expected = theirs.codes(h) * norm / (gain if np.ndim(norm) else 1)
    if loose < 1e-2:  # in bfloat16 some features are chosen differently
        np.testing.assert_allclose(dense(sae, states), expected, atol=loose)
    else:
        assert np.mean(abs(dense(sae, states) - expected)) < 1e-3
    x = sae.input.of(states)
    recon = sae.input.restore(sae.decode(sae.encode(x)), states)
    error = np.abs(recon.numpy() - theirs.reconstruct(h))
    assert np.quantile(error, 0.9) < 2 * loose * np.abs(h).max()
    norms = sae.W_dec.norm(dim=1).numpy()
    np.testing.assert_allclose(norms, 1, atol=1e-3 if loose > 1e-2 else 2e-4)


@pytest.mark.parametrize("write", [write_sparsify, write_openai, write_gemma_scope])
def test_files_are_read_once_and_their_tensors_freed(
    write: Callable[[Path, Plain], Path], tmp_path: Path
) -> None:
    """Together the autoencoders of a checkpoint may not fit in memory."""
    files = Files(write(tmp_path, Plain()), 2)
    sae, again = detect(files).read(files), detect(files).read(files)
    assert sae.b_dec.data_ptr() == again.b_dec.data_ptr()
    reference = weakref.ref(sae.b_dec)
    del files, sae, again
    gc.collect()
    assert reference() is None


def test_a_study_that_stores_fewer_keeps_the_largest(tmp_path: Path) -> None:
    theirs = Plain("jumprelu", W_dec=SCALED, subtracts=False)
    sae = imported(write_gemma_scope(tmp_path, theirs), k=3)
    h = normal(TOKENS, D, seed=9)
    values = theirs.codes(h) * np.linalg.norm(SCALED, axis=1)
    np.put_along_axis(values, np.argsort(-values, axis=1)[:, 3:], 0.0, axis=1)
    actual = dense(sae, torch.tensor(h, dtype=torch.float32))
    np.testing.assert_allclose(actual, values, atol=1e-4)


def test_unit_directions_keep_their_very_numbers(tmp_path: Path) -> None:
    theirs = Plain(b_enc=np.zeros(N))
    files = Files(write_sparsify(tmp_path, theirs), 2)
    weights, attributes = convert(detect(files).read(files), K)
    assert weights.keys() == {"W_enc", "W_dec", "b_pre"}
    for name, array in (("W_enc", theirs.W_enc), ("W_dec", theirs.W_dec)):
        np.testing.assert_array_equal(weights[name], array.astype(np.float32))
    assert attributes["conversions"] == ""


def test_gemma_scope_reads_unscaled_embeddings(tmp_path: Path) -> None:
    path = write_gemma_scope(tmp_path, Plain("jumprelu", subtracts=False))
    assert imported(path, layer=0).input == ("scale", D**-0.5)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"architecture": "gated"}, "architecture 'gated' cannot be imported; known"),
        ({"architecture": "jumprelu_transcoder"}, "it is a transcoder, which predicts"),
        ({"reshape_activations": "hook_z"}, "it reads attention heads; only"),
        ({"normalize_activations": "covariance_whitening"}, "'covariance_whitening'"),
        (
            {"metadata": {"hook_name": "blocks.1.hook_mlp_out"}},
            "it reads 'blocks.1.hook_mlp_out', inside a block; only",
        ),
    ],
)
def test_saelens_that_does_not_fit(
    config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert said in refusal(write_saelens(tmp_path, Plain(), **config))


def test_transcoders(tmp_path: Path) -> None:
    plain = Plain("jumprelu", subtracts=False)
    mlp = {"hf_hook_point_out": "model.layers.1.mlp.output"}
    assert "transcoder" in refusal(write_gemma_scope_2(tmp_path / "a", plain, **mlp))
    out = {"hook_point_out": "blocks.1.hook_mlp_out"}
    assert "transcoder" in refusal(write_llama_scope(tmp_path / "b", plain, **out))
    path = write_sparsify(tmp_path / "c", Plain())
    config = json.loads((path / "cfg.json").read_text())
    write_json(path / "cfg.json", config | {"transcode": True})
    assert "transcoder" in refusal(path)


def test_sparsify_of_an_mlp(tmp_path: Path) -> None:
    path = write_sparsify(tmp_path, Plain())
    path = path.rename(tmp_path / "layers.1.mlp")
    assert "it reads 'layers.1.mlp', inside a block" in refusal(path)


@pytest.mark.parametrize(
    ("hook", "layer"),
    [
        ("hook_embed", 0),
        ("embed_tokens", 0),
        ("blocks.0.hook_resid_pre", 0),
        ("blocks.11.hook_resid_post", 12),
        ("layers.5", 6),
        ("model.layers.5", 6),
        ("model.layers.5.output", 6),
        ("transformer.h.0", 1),
        ("gpt_neox.layers.3", 4),
    ],
)
def test_hooks(hook: str, layer: int) -> None:
    assert layer_of(hook, "it") == layer


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoder.weight": None}, "it lacks encoder.weight: not a format that"),
        ({"W_gate": torch.zeros(2)}, "it has also W_gate"),
        ({"b_dec": torch.zeros(D, dtype=torch.long)}, "b_dec is no tensor of floating"),
        ({"b_dec": torch.zeros(3)}, "b_dec has shape (3,), not (16,)"),
        (
            {"b_dec": torch.full((D,), torch.nan)},
            "b_dec has values that are not finite",
        ),
        ({"W_dec": torch.zeros(N, D)}, "the direction of 40 features is zero"),
    ],
)
def test_tensors_that_do_not_fit(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path, sae = write_sparsify(tmp_path, Plain()), Plain()
    arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors(W_dec=sae.W_dec, b_dec=sae.b_dec) | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    save(path / "sae.safetensors", arrays)
    assert said in refusal(path)


def test_another_width_and_another_number_of_features(tmp_path: Path) -> None:
    narrow = replace(
        Plain(),
        W_enc=normal(N, 8, seed=1),
        W_dec=normal(N, 8, seed=2),
        b_dec=np.ones(8),
    )
    said = refusal(write_sparsify(tmp_path / "a", narrow))
    assert "it reads states of width 8, the model's have 16" in said
    few = replace(
        Plain(),
        W_enc=normal(7, D, seed=1),
        W_dec=normal(7, D, seed=2),
        b_enc=np.ones(7),
    )
    said = refusal(write_sparsify(tmp_path / "b", few))
    assert "it has 7 features, [sae] n_features is 40" in said


class Malicious:
    def __reduce__(self) -> Any:
        return (print, ("this must not run",))


def test_a_pickle_with_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "sae.pt", {"W_enc": Malicious()})
    assert "may run code when it is read" in refusal(tmp_path / "sae.pt")
    (tmp_path / "sae.pt").write_bytes(pickle.dumps(Malicious()))
    assert str(tmp_path / "sae.pt") in refusal(tmp_path / "sae.pt")
    objects = np.array([Malicious()], dtype=object)
    np.savez(tmp_path / "params.npz", W_enc=objects)
    (tmp_path / "sae.pt").unlink()
    assert "cannot be read" in refusal(tmp_path)
    assert "this must not run" not in capsys.readouterr().out


def test_an_archive_that_expands_without_end(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "params.npz", W_enc=np.zeros(10_000_000))
    assert "its arrays would take 80,0" in refusal(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", "\u0000", "[" * 100_000])
def test_a_config_that_is_none(content: str, tmp_path: Path) -> None:
    path = write_sparsify(tmp_path, Plain())
    (path / "cfg.json").write_text(content)
    assert str(path / "cfg.json") in refusal(path)


@pytest.mark.parametrize(
    ("k", "said"),
    [
        ("many", "its settings cannot be understood: invalid literal for int()"),
        ([4], "its settings cannot be understood: int() argument must be"),
        (0, "its K is 0, of 40 features"),
        (41, "its K is 41, of 40 features"),
    ],
)
def test_a_k_that_is_none(k: Any, said: str, tmp_path: Path) -> None:
    path = write_sparsify(tmp_path, Plain())
    write_json(path / "cfg.json", {"k": k, "d_in": D})
    assert said in refusal(path)


@pytest.mark.parametrize("norms", [7, {"out": 1.0}, {"in": 0}, {"in": "big"}])
def test_norms_that_are_none(norms: Any, tmp_path: Path) -> None:
    config = {"dataset_average_activation_norm": norms}
    path = write_llama_scope(tmp_path, LAYOUTS["llama-scope"].sae, **config)
    assert "its settings cannot be understood" in refusal(path)


def test_cut_files(tmp_path: Path) -> None:
    path = write_sparsify(tmp_path / "a", Plain())
    (path / "sae.safetensors").write_bytes(b"{}")
    assert "cannot be read" in refusal(path)
    file = write_openai(tmp_path / "b", Plain())
    file.write_bytes(file.read_bytes()[:100])
    assert "cannot be read" in refusal(file)


def test_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").touch()
    said = refusal(tmp_path)
    assert "no autoencoder of a known format (saelens, sparsify, " in said
    assert said.endswith("among weights.bin")
    files = Files(write_sparsify(tmp_path, Plain()), 2)
    with pytest.raises(
        AutoencoderError, match=r"known format \(openai\) among cfg.json"
    ):
        detect(files, "openai")
