"""Encode the evaluation text and measure how well the codes reconstruct it.

Reads the `eval` split, the language model and `sae/` of each cell; writes `codes/`. The
metrics that need hidden states, all of the stored codes, become its attributes.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bisae.grid import Cell, at
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import (
    Bucket,
    StateBlocks,
    States,
    buckets,
    with_bos,
    without_bos,
)
from bisae.progress import bar
from bisae.sae import Autoencoder, Code, Reconstruction, from_numpy
from bisae.sae.kernels import Scratch
from bisae.store import Store


def encode_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Encode the cells of one checkpoint that are trained but not encoded yet.

    Raises LeaseLost.
    """
    store.check_leases()
    missing = [cell for cell in cells if not store.cell_status(cell).codes]
    if not missing:
        return
    settings, context = store.study.sae, store.study.corpus.context
    saes = {
        cell: from_numpy(store.weights(cell), settings, lm.device) for cell in missing
    }
    rows = store.n_documents("eval") * (context - 1)
    fits = {
        cell: ReconstructionMetrics(lm.d_model, settings.n_features) for cell in missing
    }
    title = f"encode {missing[0].checkpoint}"
    with ExitStack() as stack, bar(rows, title, "tokens") as shown:
        writers = {
            cell: stack.enter_context(store.write_codes(cell, rows)) for cell in missing
        }
        blocks = StateBlocks(store, store.split("eval"), lm, missing)
        scratch = Scratch()
        for number in range(len(blocks)):
            states = blocks[number]
            for cell in missing:
                with at(cell):
                    x = unit_states(states.layers[cell.layer])
                    reconstruction = saes[cell].reconstruct(x, scratch)
                    fits[cell].add(x, reconstruction)
                    writers[cell].append(*_rows(states, reconstruction.code))
            shown.update(states.real.numel())
        losses = cross_entropies(store, lm, saes)
        for cell, writer in writers.items():
            writer.finish(fits[cell].metrics() | losses[cell])


def _rows(states: States, code: Code) -> tuple[Any, Any]:
    """Scatter the codes of real tokens to their rows; other rows are zero."""
    real = states.real.reshape(-1)
    index = torch.zeros(len(real), code.index.shape[1], dtype=torch.long)
    value = torch.zeros(len(real), code.index.shape[1])
    index[real], value[real] = code.index.cpu(), code.value.cpu()
    return index.numpy(), value.numpy()


class ReconstructionMetrics:
    """Accumulate a cell's metrics over evaluation tokens, in float64."""

    def __init__(self, d_model: int, n_features: int) -> None:
        self._tokens = 0
        self._error = self._square = self._cosine = 0.0
        self._sum = np.zeros(d_model)
        self._n_active = 0
        self._whole = self._stored = 0.0
        self._active = np.zeros(n_features, bool)

    def add(self, x: Tensor, reconstruction: Reconstruction) -> None:
        """Add tokens (tokens, d) and their reconstruction."""
        recon, code = reconstruction.recon, reconstruction.code
        error = (recon - x).double().square().sum(1)
        cosine = torch.cosine_similarity(x.double(), recon.double(), dim=1)
        self._tokens += len(x)
        self._error += float(error.sum())
        self._square += float(x.double().square().sum())
        self._cosine += float(cosine.sum())
        self._sum += x.double().sum(0).cpu().numpy()
        self._n_active += int(reconstruction.n_active.sum())
        self._whole += float(reconstruction.summed.sum())
        self._stored += float(code.value.double().sum())
        used = code.value > 0
        self._active[code.index[used].cpu().numpy()] = True

    def metrics(self) -> dict[str, float]:
        """mse (equation 3), variance, fvu, cosine, l0, n_dead, cut_share.

        `variance` is the denominator of fvu; `cut_share` is the share of the summed
        activations that is not stored.
        """
        n = self._tokens
        variance = self._square / n - float(np.square(self._sum / n).sum())
        cut = 1 - self._stored / self._whole if self._whole else 0.0
        return {
            "n_eval_tokens": n,
            "mse": self._error / n,
            "variance": variance,
            "fvu": self._error / n / variance,
            "cosine": self._cosine / n,
            "l0": self._n_active / n,
            "cut_share": max(0.0, cut),
            "n_dead": int((~self._active).sum()),
        }


def cross_entropies(
    store: Store, lm: LanguageModel, saes: dict[Cell, Autoencoder]
) -> dict[Cell, dict[str, float]]:
    """Return the LM's loss with each layer intact, reconstructed and zeroed, in nats.

    Mean over the predicted tokens of the first `eval_ce_tokens` evaluation tokens; the
    hidden state of BOS is not edited.
    """
    bos = store.corpus_attributes()["bos_token_id"]
    sums = {cell: {"ce": 0.0, "ce_recon": 0.0, "ce_zero": 0.0} for cell in saes}
    tokens = 0
    for block in store.documents("eval", store.study.lm.batch_documents):
        if tokens >= store.study.lm.eval_ce_tokens:
            break
        token_id, mask = with_bos(block, bos)
        tokens += int(mask[:, 1:].sum())
        for bucket in buckets(token_id, mask, lm.device):
            _add_losses(sums, lm, saes, bucket)
    return {
        cell: {name: total / tokens for name, total in cell_sums.items()}
        if tokens
        else {}
        for cell, cell_sums in sums.items()
    }


def _add_losses(
    sums: dict[Cell, dict[str, float]],
    lm: LanguageModel,
    saes: dict[Cell, Autoencoder],
    bucket: Bucket,
) -> None:
    """Add the summed losses of a bucket's tokens to each cell's sums."""
    ce = float(lm.token_losses(*bucket.text).sum())
    for cell, sae in saes.items():
        sums[cell]["ce"] += ce
        edits = {
            "ce_recon": _reconstruct(sae, bucket.mask),
            "ce_zero": _zero(bucket.mask),
        }
        for name, edit in edits.items():
            with lm.edited(cell.layer, edit):
                sums[cell][name] += float(lm.token_losses(*bucket.text).sum())


def _reconstruct(sae: Autoencoder, mask: Tensor) -> Any:
    def edit(hidden: Tensor) -> Tensor:
        real = _edited(mask, hidden)
        raw = hidden[real]  # (tokens, d)
        recon = sae.reconstruct(unit_states(raw)).recon
        changed = hidden.clone()
        changed[real] = (raw.float().norm(dim=1, keepdim=True) * recon).to(raw.dtype)
        return changed

    return edit


def _zero(mask: Tensor) -> Any:
    def edit(hidden: Tensor) -> Tensor:
        return hidden.masked_fill(_edited(mask, hidden)[..., None], 0)

    return edit


def _edited(mask: Tensor, hidden: Tensor) -> Tensor:
    return without_bos(mask).to(hidden.device)
