"""Measure how well small language models predict held-out text, by language.

Reads the held-out split's text, and perplexity.json of finished checkpoints.
"""

import json
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bisae.formats import Rows
from bisae.pretrain.checkpoints import PERPLEXITY, checkpoint_folders
from bisae.pretrain.texts import SplitOf, language_texts
from bisae.pretrain.windows import cut_windows
from bisae.study import Study

HELDOUT_WINDOWS = 256
"""The most held-out windows of a language."""
WINDOWS_AT_ONCE = 16


def heldout_windows(
    study: Study, split_of: SplitOf, tokenizer: Any
) -> dict[str, Tensor]:
    """Return the first held-out windows of each language that has any.

    Each is (windows, context), BOS first.
    """
    texts = language_texts(study, split_of, "heldout")
    windows = {
        language: list(islice(cut_windows(study, read(), tokenizer), HELDOUT_WINDOWS))
        for language, read in texts.items()
    }
    return {name: torch.tensor(ids) for name, ids in windows.items() if ids}


@torch.no_grad()
def measure(model: Any, windows: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
    """Return n_tokens and nll, in nats summed over tokens, of each language.

    Every token but BOS is predicted from those before it in its window.
    """
    results = {}
    for language, token_id in windows.items():
        nll = 0.0
        for batch in torch.split(token_id.to(model.device), WINDOWS_AT_ONCE):
            logits = model(input_ids=batch, use_cache=False).logits[:, :-1].float()
            targets = batch[:, 1:].flatten()
            nll += cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()
        results[language] = {"n_tokens": token_id[:, 1:].numel(), "nll": nll}
    return results


def perplexities(study: Study) -> Rows:
    """Return the held-out perplexity of every finished checkpoint, by language.

    Perplexity = exp(nll / n_tokens). Checkpoints made elsewhere have none.
    """
    rows: list[tuple[Any, ...]] = []
    for shape in study.pretrain.models if study.pretrain else ():
        for step, folder in checkpoint_folders(study, shape).items():
            if (file := folder / PERPLEXITY).exists():
                rows += [
                    (shape.size, step, language, n, math.exp(result["nll"] / n))
                    for language, result in json.loads(file.read_text()).items()
                    if (n := result["n_tokens"])
                ]
    return Rows(["size", "step", "language", "n_tokens", "perplexity"], rows)
