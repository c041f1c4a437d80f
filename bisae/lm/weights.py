"""Describe the weights of a model by group, to tell one checkpoint from another.

Reads a loaded model; returns the rows of the table `lm_weights`.
"""

from typing import Any

import torch
from torch import Tensor

from bisae.lm.model import LanguageModel, weights_digest

SAMPLE = 256
"""Weights of a group that are compared between steps. The squared distance of two
random walks, estimated from so many, has a relative error of 9 %."""


def describe_weights(lm: LanguageModel, lm_fingerprint: str) -> list[dict[str, Any]]:
    """Describe each group of a model's weights in one row.

    `position` orders the groups from below; `fingerprint` is the sha256 of the weights
    as loaded; `median_norm` the median L2 norm of the rows of their matrices, a vector
    being one row; `sample` the values at random indices, which are the same in every
    model of this shape.
    """
    return [
        {
            "weights": name,
            "position": position,
            "n_weights": sum(weight.numel() for weight in group.values()),
            "fingerprint": weights_digest(group),
            "median_norm": _median_norm(list(group.values())),
            "sample": _sample(list(group.values())),
            "lm_fingerprint": lm_fingerprint,
        }
        for position, (name, group) in enumerate(lm.weight_groups().items())
    ]


def _median_norm(weights: list[Tensor]) -> float:
    rows = [
        weight.flatten(1) if weight.dim() > 1 else weight[None] for weight in weights
    ]
    norms = [torch.linalg.vector_norm(row.float(), dim=1).cpu() for row in rows]
    return float(torch.cat(norms).median())


def _sample(weights: list[Tensor]) -> list[float]:
    """Return the values at seeded random indices of the weights, one after another."""
    n_weights = sum(weight.numel() for weight in weights)
    seeded = torch.Generator().manual_seed(0)
    indices = torch.randint(n_weights, (SAMPLE,), generator=seeded).sort().values
    values, first = [], 0
    for weight in weights:
        inside = (indices >= first) & (indices < first + weight.numel())
        index = (indices[inside] - first).to(weight.device)
        values.append(weight.reshape(-1)[index].double().cpu())
        first += weight.numel()
    return torch.cat(values).tolist()
