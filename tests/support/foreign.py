"""Small autoencoders in the layouts of other projects, and what they compute.

Nothing here is shared with `bisae.interop`: layouts are written by hand, and codes are
computed in NumPy, float64.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

Array = NDArray[np.float64]
N, D, K = 40, 16, 4
TORCH = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True)
class Plain:
    """act(W_enc (f(h) - s b_dec) + b_enc), decoded by W_dec; f scales hidden states."""

    activation: str = "topk"
    W_enc: Array = field(default_factory=lambda: normal(N, D, seed=1))
    """(n, d)"""
    W_dec: Array = field(default_factory=lambda: unit(normal(N, D, seed=2)))
    """(n, d)"""
    b_enc: Array = field(default_factory=lambda: normal(N, seed=3) / 8)
    b_dec: Array = field(default_factory=lambda: normal(D, seed=4) / 8)
    k: int = K
    threshold: Array = field(default_factory=lambda: np.abs(normal(N, seed=5)))
    subtracts: bool = True
    ranks_by_norm: bool = False
    input: str = "none"
    scale: float = 1.0

    def codes(self, h: Array) -> Array:
        """Return codes, (tokens, n), in the project's own scale."""
        x = self._inputs(h)
        pre = (x - self.b_dec * self.subtracts) @ self.W_enc.T + self.b_enc
        if self.activation == "jumprelu":
            return np.where(pre > self.threshold, np.maximum(pre, 0), 0)
        z = np.maximum(pre, 0)
        if self.activation == "relu":
            return z
        by = z * np.linalg.norm(self.W_dec, axis=1) if self.ranks_by_norm else z
        order = np.argsort(-by, axis=1, kind="stable")
        np.put_along_axis(z, order[:, self.k :], 0.0, axis=1)
        return z

    def reconstruct(self, h: Array) -> Array:
        """Return reconstructed hidden states, (tokens, d)."""
        recon = self.codes(h) @ self.W_dec + self.b_dec
        if self.input == "layernorm":
            mean = h.mean(1, keepdims=True)
            return np.asarray(recon * h.std(1, ddof=1, keepdims=True) + mean)
        return np.asarray(recon / self._factors(h))

    def _inputs(self, h: Array) -> Array:
        if self.input == "layernorm":
            std = h.std(1, ddof=1, keepdims=True)
            return np.asarray((h - h.mean(1, keepdims=True)) / (std + 1e-5))
        return np.asarray(h * self._factors(h))

    def _factors(self, h: Array) -> Any:
        inverse = 1 / np.linalg.norm(h, axis=1, keepdims=True)
        factors = {"l2": inverse, "rescaled": math.sqrt(h.shape[1]) * inverse}
        return factors.get(self.input, self.scale)


def normal(*shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


SCALED = normal(N, D, seed=6)
"""Directions of many norms."""


def tensors(dtype: str = "float32", /, **arrays: Any) -> dict[str, torch.Tensor]:
    """Return arrays as contiguous tensors; a dot in a name is written as `__`."""
    return {
        name.replace("__", "."): torch.tensor(np.asarray(array)).to(TORCH[dtype])
        for name, array in arrays.items()
    }


# -- layouts: each writes a Plain below a folder and returns the path to import --------


def write_saelens(folder: Path, sae: Plain, **config: Any) -> Path:
    names = {"relu": "standard", "topk": "topk", "jumprelu": "jumprelu"}
    normalize = {
        "none": "none",
        "rescaled": "constant_norm_rescale",
        "layernorm": "layer_norm",
    }
    settings = {
        "architecture": names[sae.activation],
        "d_in": D,
        "d_sae": N,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": sae.subtracts,
        "normalize_activations": normalize[sae.input],
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": "6.54.12",
            "model_name": "a model",
            "hook_name": "blocks.1.hook_resid_post",
        },
    }
    if sae.activation == "topk":
        settings |= {"k": sae.k, "rescale_acts_by_decoder_norm": sae.ranks_by_norm}
    arrays = {"W_enc": sae.W_enc.T, "W_dec": sae.W_dec}
    arrays |= {"b_enc": sae.b_enc, "b_dec": sae.b_dec}
    if sae.activation == "jumprelu":
        arrays["threshold"] = sae.threshold
    save(folder / "sae_weights.safetensors", tensors(**arrays))
    write_json(folder / "cfg.json", settings | config)
    return folder


def write_old_saelens(folder: Path, sae: Plain) -> Path:
    """A config of SAELens 3, where topk is an activation of `standard`."""
    write_saelens(folder, sae)
    old = {
        "d_in": D,
        "d_sae": N,
        "dtype": "float32",
        "device": "cpu",
        "hook_point": "blocks.1.hook_resid_post",
        "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": sae.k},
        "normalize_activations": None,
    }
    write_json(folder / "cfg.json", old)
    return folder


def write_batchtopk(folder: Path, sae: Plain) -> Path:
    """A checkpoint of SAELens' BatchTopK training: one threshold, in float64."""
    write_saelens(folder, sae, architecture="batchtopk")
    arrays = tensors(
        W_enc=sae.W_enc.T, W_dec=sae.W_dec, b_enc=sae.b_enc, b_dec=sae.b_dec
    )
    arrays["topk_threshold"] = torch.tensor(sae.threshold[0], dtype=torch.double)
    save(folder / "sae_weights.safetensors", arrays)
    return folder


def write_sparsify(folder: Path, sae: Plain) -> Path:
    config = {
        "activation": "topk",
        "expansion_factor": 32,
        "normalize_decoder": True,
        "num_latents": N,
        "k": sae.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": D,
    }
    arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors(W_dec=sae.W_dec, b_dec=sae.b_dec)
    save(folder / "layers.1" / "sae.safetensors", arrays)
    write_json(folder / "layers.1" / "cfg.json", config)
    return folder / "layers.1"


def write_dictionary_learning(folder: Path, sae: Plain) -> Path:
    is_topk = sae.activation == "topk"
    trainer = {
        "dict_class": "AutoEncoderTopK" if is_topk else "BatchTopKSAE",
        "k": sae.k,
        "layer": 1,
        "lm_name": "a model",
        "activation_dim": D,
        "dict_size": N,
    }
    arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors(decoder__weight=sae.W_dec.T, b_dec=sae.b_dec)
    arrays["k"] = torch.tensor(sae.k, dtype=torch.int)
    arrays["threshold"] = torch.tensor(-1.0 if is_topk else float(sae.threshold[0]))
    save(folder / "ae.pt", arrays)
    write_json(folder / "config.json", {"trainer": trainer, "buffer": {"ctx_len": 64}})
    return folder


def write_llm_jp(folder: Path, sae: Plain) -> Path:
    arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors(decoder__weight=sae.W_dec.T, b_dec=sae.b_dec)
    save(folder / "model.safetensors", arrays)
    config = {"architectures": ["TopKSAE"], "model_type": "topk_sae", "d_in": D}
    write_json(folder / "config.json", config | {"num_latents": N, "k": sae.k})
    return folder


def write_older_llm_jp(folder: Path, sae: Plain, *, config: bool = True) -> Path:
    """Those of March 2025, in bfloat16; the first had no config."""
    arrays = tensors("bfloat16", encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors("bfloat16", W_dec=sae.W_dec, b_dec=sae.b_dec)
    save(folder / "sae.pth", arrays)
    if config:
        settings = {"d_in": D, "expansion_factor": 4, "k": sae.k}
        write_json(folder / "config.json", settings | {"torch_dtype": "bfloat16"})
    return folder


def write_first_llm_jp(folder: Path, sae: Plain) -> Path:
    return write_older_llm_jp(folder, sae, config=False)


def write_openai(folder: Path, sae: Plain) -> Path:
    state: dict[str, Any] = tensors(encoder__weight=sae.W_enc, latent_bias=sae.b_enc)
    state |= tensors(decoder__weight=sae.W_dec.T, pre_bias=sae.b_dec)
    state["stats_last_nonzero"] = torch.zeros(N, dtype=torch.long)
    is_topk = sae.activation == "topk"
    state["activation"] = "TopK" if is_topk else "ReLU"
    state["activation_state_dict"] = (
        {"k": sae.k, "postact_fn": "ReLU"} if is_topk else {}
    )
    save(folder / "autoencoder.pt", state)
    return folder / "autoencoder.pt"


def write_gemma_scope(folder: Path, sae: Plain) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"W_enc": sae.W_enc.T, "W_dec": sae.W_dec, "b_enc": sae.b_enc}
    arrays |= {"b_dec": sae.b_dec, "threshold": sae.threshold}
    narrow = {name: array.astype(np.float32) for name, array in arrays.items()}
    np.savez(folder / "params.npz", **narrow)  # type: ignore[arg-type]
    return folder


def write_gemma_scope_2(folder: Path, sae: Plain, **config: Any) -> Path:
    arrays = tensors(w_enc=sae.W_enc.T, w_dec=sae.W_dec, b_enc=sae.b_enc)
    arrays |= tensors(b_dec=sae.b_dec, threshold=sae.threshold)
    save(folder / "params.safetensors", arrays)
    settings = {"architecture": "jump_relu", "width": N, "l0": 4}
    hook = "model.layers.1.output"
    settings |= {"hf_hook_point_in": hook, "hf_hook_point_out": hook}
    write_json(folder / "config.json", settings | config)
    return folder


NORM_IN = 12.5


def write_llama_scope(folder: Path, sae: Plain, **config: Any) -> Path:
    """The threshold is scaled like the inputs, by sqrt(d) / norm."""
    arrays = tensors(encoder__weight=sae.W_enc, encoder__bias=sae.b_enc)
    arrays |= tensors(decoder__weight=sae.W_dec.T, decoder__bias=sae.b_dec)
    save(folder / "checkpoints" / "final.safetensors", arrays)
    hook = "blocks.1.hook_resid_post"
    settings = {
        "d_model": D,
        "d_sae": N,
        "act_fn": "jumprelu",
        "jump_relu_threshold": float(sae.threshold[0]) / sae.scale,
        "hook_point_in": hook,
        "hook_point_out": hook,
        "dataset_average_activation_norm": {"in": NORM_IN, "out": NORM_IN},
    }
    write_json(folder / "hyperparams.json", settings | config)
    return folder


def write_qwen_scope(folder: Path, sae: Plain) -> Path:
    arrays = tensors(
        W_enc=sae.W_enc, W_dec=sae.W_dec.T, b_enc=sae.b_enc, b_dec=sae.b_dec
    )
    save(folder / "layer1.sae.pt", arrays)
    return folder / "layer1.sae.pt"


def write_goodfire(folder: Path, sae: Plain) -> Path:
    weights = tensors(encoder_linear__weight=sae.W_enc, encoder_linear__bias=sae.b_enc)
    weights |= tensors(
        decoder_linear__weight=sae.W_dec.T, decoder_linear__bias=sae.b_dec
    )
    save(folder / "sae.pth", weights)
    return folder / "sae.pth"


def save(file: Path, arrays: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".safetensors":
        save_file({name: array.contiguous() for name, array in arrays.items()}, file)
    else:
        torch.save(arrays, file)


def write_json(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


class Layout(NamedTuple):
    """A layout, and an autoencoder as its project would make it."""

    format: str
    write: Callable[[Path, Plain], Path]
    sae: Plain


JUMPRELU = Plain("jumprelu")
UNSUBTRACTED = Plain("jumprelu", subtracts=False)
ONE_THRESHOLD = replace(JUMPRELU, threshold=np.full(N, 0.4), W_dec=SCALED)
LLAMA = math.sqrt(D) / NORM_IN
LAYOUTS = {
    "saelens-relu": Layout("saelens", write_saelens, Plain("relu", W_dec=SCALED)),
    "saelens-topk": Layout("saelens", write_saelens, Plain(W_dec=SCALED)),
    "saelens-topk-by-norm": Layout(
        "saelens", write_saelens, Plain(W_dec=SCALED, ranks_by_norm=True)
    ),
    "saelens-unsubtracted": Layout(
        "saelens", write_saelens, Plain("relu", subtracts=False)
    ),
    "saelens-rescaled": Layout("saelens", write_saelens, Plain(input="rescaled")),
    "saelens-layernorm": Layout("saelens", write_saelens, Plain(input="layernorm")),
    "saelens-jumprelu": Layout(
        "saelens", write_saelens, Plain("jumprelu", W_dec=SCALED, input="rescaled")
    ),
    "saelens-old": Layout("saelens", write_old_saelens, Plain()),
    "saelens-batchtopk": Layout("saelens", write_batchtopk, ONE_THRESHOLD),
    "sparsify": Layout("sparsify", write_sparsify, Plain()),
    "dictionary-learning": Layout(
        "dictionary_learning", write_dictionary_learning, Plain()
    ),
    "dictionary-learning-batch": Layout(
        "dictionary_learning", write_dictionary_learning, ONE_THRESHOLD
    ),
    "llm-jp": Layout("llm-jp", write_llm_jp, Plain(input="l2")),
    "llm-jp-older": Layout("llm-jp", write_older_llm_jp, Plain(input="l2")),
    "llm-jp-first": Layout("llm-jp", write_first_llm_jp, Plain(input="l2")),
    "openai-topk": Layout("openai", write_openai, Plain(input="layernorm")),
    "openai-relu": Layout("openai", write_openai, Plain("relu", W_dec=SCALED)),
    "gemma-scope": Layout("gemma_scope", write_gemma_scope, UNSUBTRACTED),
    "gemma-scope-2": Layout("gemma_scope_2", write_gemma_scope_2, UNSUBTRACTED),
    "llama-scope": Layout(
        "llama_scope",
        write_llama_scope,
        replace(ONE_THRESHOLD, subtracts=False, input="scale", scale=LLAMA),
    ),
    "qwen-scope": Layout(
        "qwen_scope", write_qwen_scope, Plain(W_dec=SCALED, subtracts=False)
    ),
    "goodfire": Layout(
        "goodfire", write_goodfire, Plain("relu", W_dec=SCALED, subtracts=False)
    ),
}
