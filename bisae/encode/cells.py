"""Encode the evaluation text and measure how well the codes reconstruct it.

Reads the `eval` split, the language model and `sae/` of each cell; writes `codes/`. The
metrics that need hidden states, all of the stored codes, become its attributes. The
cell of [semantic.states] has its states averaged by token in the same pass.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from bisae.corpus import text_for
from bisae.encode.token_states import TokenStates, missing_states
from bisae.grid import Cell, at
from bisae.lm import LanguageModel
from bisae.lm.states import (
    Bucket,
    StateBlocks,
    States,
    buckets,
    with_bos,
    without_bos,
)
from bisae.progress import bar
from bisae.sae import Autoencoder, Code, ReconstructionMetrics, load_autoencoder
from bisae.sae.kernels import Scratch
from bisae.store import Store


def encode_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Encode the cells of one checkpoint that are trained but not encoded yet.

    Writes the states of tokens too, if one of the cells is that of [semantic.states].
    Raises LeaseLost.
    """
    store.check_leases()
    missing = [cell for cell in cells if not store.cell_status(cell).codes]
    averaged = missing_states(store, cells)
    needed = list(dict.fromkeys([*missing, *averaged]))
    if not needed:
        return
    context = store.study.corpus.context
    saes = {cell: load_autoencoder(store, cell, lm.device) for cell in missing}
    rows = store.n_documents("eval") * (context - 1)
    fits = {cell: ReconstructionMetrics(sae) for cell, sae in saes.items()}
    averages = [TokenStates(store, lm, cell) for cell in averaged]
    title = f"encode {needed[0].checkpoint}"
    with ExitStack() as stack, bar(rows, title, "tokens") as shown:
        writers = {
            cell: stack.enter_context(store.write_codes(cell, rows)) for cell in missing
        }
        text = text_for(store, needed[0], store.split("eval"))
        blocks = StateBlocks(store, text, lm, needed)
        scratch = Scratch()
        for number in range(len(blocks)):
            states = blocks[number]
            for average in averages:
                average.add(states)
            for cell in missing:
                with at(cell):
                    x = saes[cell].input.of(states.layers[cell.layer])
                    reconstruction = saes[cell].reconstruct(x, scratch)
                    fits[cell].add(x, reconstruction)
                    writers[cell].append(*_rows(states, reconstruction.code))
            shown.update(states.real.numel())
        for average in averages:
            average.write()
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


def cross_entropies(
    store: Store, lm: LanguageModel, saes: dict[Cell, Autoencoder]
) -> dict[Cell, dict[str, float]]:
    """Return the LM's loss with each layer intact, reconstructed and zeroed, in nats.

    Mean over the predicted tokens of the first `eval_ce_tokens` evaluation tokens; the
    hidden state of BOS is not edited.
    """
    if not saes:
        return {}
    bos = store.corpus_attributes()["bos_token_id"]
    sums = {cell: {"ce": 0.0, "ce_recon": 0.0, "ce_zero": 0.0} for cell in saes}
    tokens, text = 0, text_for(store, next(iter(saes)), store.split("eval"))
    size = store.study.lm.batch_documents
    for first in range(0, len(text), size):
        block = text.block(first, size)
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
        recon = sae.reconstruct(sae.input.of(raw)).recon
        changed = hidden.clone()
        changed[real] = sae.input.restore(recon, raw).to(raw.dtype)
        return changed

    return edit


def _zero(mask: Tensor) -> Any:
    def edit(hidden: Tensor) -> Tensor:
        return hidden.masked_fill(_edited(mask, hidden)[..., None], 0)

    return edit


def _edited(mask: Tensor, hidden: Tensor) -> Tensor:
    return without_bos(mask).to(hidden.device)
