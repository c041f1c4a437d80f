"""Train autoencoders: those of a checkpoint, or one at every learning rate.

Reads splits of the store and the language model; writes `sae/` and `train/` of cells,
and the tables `timings`, `convergence` and `lr_search`. An interrupted run resumes from
the study's `work_dir`.
"""

from bisae.train.buffer import Buffer
from bisae.train.checkpoint import check_starts, inspect_model, train_checkpoint
from bisae.train.search import is_searched, learning_rates, search_rates

__all__ = [
    "Buffer",
    "check_starts",
    "inspect_model",
    "is_searched",
    "learning_rates",
    "search_rates",
    "train_checkpoint",
]
