"""Catch autoencoders of another layer, or of another model, before they are imported.

Reads a sample of the `eval` split and the language model.
"""

from collections.abc import Sequence

from torch import Tensor

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.lm.states import StateBlocks
from bisae.sae import Autoencoder, ReconstructionMetrics
from bisae.store import Store

SAMPLED_TOKENS = 1000
ABSURD_FVU = 0.9
"""An FVU above which an autoencoder reconstructs little more than the mean state."""

Sample = dict[int, Tensor]
"""Raw hidden states of each layer, (tokens, d)."""


def sample_states(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> Sample:
    """Return states of SAMPLED_TOKENS tokens at the layers of cells and next to them.

    The tokens are spread over the first block of documents. All cells belong to the
    checkpoint loaded as `lm`.
    """
    near = {
        cell._replace(layer=layer)
        for cell in cells
        for layer in range(cell.layer - 1, cell.layer + 2)
        if 0 <= layer <= lm.n_layers
    }
    states = StateBlocks(store, store.split("eval"), lm, sorted(near))[0].layers
    return {
        layer: rows[:: max(1, len(rows) // SAMPLED_TOKENS)][:SAMPLED_TOKENS]
        for layer, rows in states.items()
    }


def check_layer(sae: Autoencoder, cell: Cell, sample: Sample, where: str) -> None:
    """Raise AutoencoderError if the autoencoder fits another layer better, or none."""
    fvu = {
        layer: _fvu(sae, sample[layer])
        for layer in range(cell.layer - 1, cell.layer + 2)
        if layer in sample
    }
    measured = ", ".join(f"{fvu[layer]:.3g} at layer {layer}" for layer in sorted(fvu))
    best = min(fvu, key=lambda layer: (fvu[layer], layer != cell.layer))
    if best != cell.layer:
        msg = (
            f"{where}: it fits layer {best} better than layer {cell.layer}, for which "
        )
        msg += f"it is imported: FVU {measured}; layers are counted from 1, which "
        msg += "{block} in the path of sae is for"
        raise AutoencoderError(msg)
    if not fvu[cell.layer] <= ABSURD_FVU:
        msg = f"{where}: it does not fit cell {cell}: FVU {measured}; is it of another "
        msg += "model, another place in it, or another scaling of its states?"
        raise AutoencoderError(msg)


def _fvu(sae: Autoencoder, states: Tensor) -> float:
    metrics, x = ReconstructionMetrics(sae), sae.input.of(states)
    metrics.add(x, sae.reconstruct(x))
    return metrics.metrics()["fvu"]
