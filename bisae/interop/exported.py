"""A cell's autoencoder as other projects take it, and what their files say with it.

Reads `sae/` and `codes/` of a cell.
"""

from typing import Any, NamedTuple

import numpy as np

from bisae import __version__
from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.foreign import UNIT_ERROR
from bisae.interop.hooks import hook_of
from bisae.sae import Input
from bisae.store import Array, Store


class ExportedAutoencoder(NamedTuple):
    """z = act(W_enc (x - b_dec) + b_enc); x^ = W_dec^T z + b_dec; float64."""

    cell: Cell
    architecture: str
    k: int
    """Features of a TopK autoencoder per token."""
    W_enc: Array
    """(n, d)"""
    W_dec: Array
    """(n, d)"""
    b_dec: Array
    """(d,)"""
    b_enc: Array
    """(n,)"""
    threshold: Array | None
    """(n,), for JumpReLU."""
    input: Input
    attributes: dict[str, Any]
    """Those of the cell's `sae` and `codes`."""
    context: int
    bos: int

    @property
    def size(self) -> tuple[int, int]:
        """n and d."""
        n, d = self.W_enc.shape
        return n, d

    @property
    def has_unit_directions(self) -> bool:
        """True if no row of W_dec has another norm than 1."""
        norms = np.linalg.norm(self.W_dec, axis=1)
        return bool((abs(norms - 1) < UNIT_ERROR).all())

    def times(self, gain: float) -> "ExportedAutoencoder":
        """Return the same autoencoder for inputs that are `gain` times smaller.

        Codes stay the same, and reconstructions become as much smaller.
        """
        return self._replace(
            W_enc=self.W_enc * gain, W_dec=self.W_dec / gain, b_dec=self.b_dec / gain
        )


def export_of(store: Store, cell: Cell) -> ExportedAutoencoder:
    """Read a cell's autoencoder; scaled inputs become raw ones. Raises Unfinished.

    A TopK autoencoder that ranks features by other values than it returns gets back the
    decoder whose norms made the difference.
    """
    attributes = store.attributes(cell, "codes") | store.attributes(cell, "sae")
    weights = {
        name: array.astype(np.float64) for name, array in store.weights(cell).items()
    }
    n = len(weights["W_enc"])
    scale = weights.get("rank_scale", np.ones(n))
    sae_input = Input.recorded(attributes)
    raw = sae_input.kind == "scale"
    exported = ExportedAutoencoder(
        cell=cell,
        architecture=attributes["architecture"],
        k=attributes.get("top_k") or attributes["k"],
        W_enc=weights["W_enc"] * scale[:, None],
        W_dec=weights["W_dec"] / scale[:, None],
        b_dec=weights["b_pre"],
        b_enc=weights.get("b_enc", np.zeros(n)) * scale,
        threshold=weights.get("threshold"),
        input=Input("none") if raw else sae_input,
        attributes=attributes,
        context=store.study.corpus.context,
        bos=store.corpus_attributes()["bos_token_id"],
    )
    return exported.times(sae_input.scale) if raw else exported


def exactly(values: Array) -> Array:
    """Return float64 values as float32 where that loses nothing, else as they are."""
    rounded = narrow(values)
    return rounded if (rounded == values).all() else np.ascontiguousarray(values)


def narrow(values: Array) -> Array:
    """Return values as float32."""
    return np.ascontiguousarray(values, np.float32)


def only_topk(exported: ExportedAutoencoder, name: str) -> None:
    """Raise AutoencoderError for another architecture, which a format cannot hold."""
    if exported.architecture != "topk":
        msg = f"cell {exported.cell}: {name} holds TopK autoencoders, and this one is "
        msg += f"{exported.architecture}; --to saelens holds it"
        raise AutoencoderError(msg)


INPUTS = {
    "l2": "the hidden state divided by its L2 norm: x = h / norm(h)",
    "none": "the hidden state as it is: x = h",
    "layernorm": "the hidden state, standardized: x = (h - mean) / (std + 1e-5)",
}


def readme(exported: ExportedAutoencoder, format_name: str, input_note: str) -> str:
    """Return the text that is written next to the weights."""
    size, step, layer = exported.cell
    attributes = exported.attributes
    n, d = exported.size
    states = (
        f"the output of block {layer}, counted from 1" if layer else "the embeddings"
    )
    revision = f", revision {attributes['revision']}" if attributes["revision"] else ""
    return f"""# Autoencoder of {size} at step {step}, layer {layer}

Written by bisae {__version__} for {format_name}; fingerprint \
{attributes["fingerprint"]}.

- Model: {attributes["model"]}{revision}; sha256 of its weights \
{attributes["lm_fingerprint"]}.
- Place: {states}, before the final norm: {hook_of(layer)}.
- Input: {INPUTS[exported.input.kind]}. {input_note}
- Text: windows of {exported.context} tokens; the first is token {exported.bos} (BOS), \
which it never saw.
- {exported.architecture}, {n:,} features, width {d:,}, K {exported.k}; on the \
evaluation text FVU {attributes["fvu"]:.4g}, {attributes["l0"]:.4g} active features \
a token.
"""
