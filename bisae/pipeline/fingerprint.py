"""Fingerprint the checkpoints of a study, without any autoencoder.

Loads one language model after another; returns a table of steps and what is wrong.
"""

from contextlib import closing
from typing import NamedTuple

from bisae.errors import CheckpointError
from bisae.formats import Rows
from bisae.grid import Checkpoint, Selection
from bisae.lm import describe_weights, load_lm
from bisae.progress import track
from bisae.query import Weights, compared_weights, rows_of, weight_messages
from bisae.study import Study

SERIES = "from checkpoint_series order by n_weights, size, step"


class Fingerprints(NamedTuple):
    """The steps of each size, and what is wrong with them."""

    series: Rows
    """The view `checkpoint_series`."""
    findings: list[str]
    """A line for each, first of checkpoints that cannot be loaded."""


def fingerprint(study: Study, only: Selection) -> Fingerprints:
    """Fingerprint the selected checkpoints; those that fail are findings too.

    Raises AddressError, and CheckpointError if not a single one can be loaded.
    """
    # A layer is enough to address a checkpoint, and "all" are not known yet.
    models = [model.model_copy(update={"layers": (0,)}) for model in study.models]
    cells = only.of(study.model_copy(update={"models": tuple(models)}).cells)
    weights: dict[Checkpoint, Weights] = {}
    failures: list[CheckpointError] = []
    for cell in track(cells, len(cells), "fingerprint", "checkpoints"):
        try:
            weights[cell.checkpoint] = _describe(study, cell.checkpoint)
        except CheckpointError as error:
            failures.append(error)
    if not weights:
        raise failures[0]
    with closing(compared_weights(weights)) as con:
        findings = [*map(str, failures), *weight_messages(con)]
        return Fingerprints(rows_of(con, SERIES), findings)


def _describe(study: Study, checkpoint: Checkpoint) -> Weights:
    """Describe the weights of a checkpoint, loaded as a build would load them."""
    path, revision = study.model(checkpoint.size).checkpoint_at(checkpoint.step)
    lm = load_lm(
        path,
        revision,
        device=study.lm.device,
        dtype=study.lm.dtype,
        trust_remote_code=study.lm.trust_remote_code,
    )
    return describe_weights(lm, lm.fingerprint())
