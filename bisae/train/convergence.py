"""Measure autoencoders on the validation text, halfway through training and at its end.

Reads the `valid` split and the language model; writes the table `convergence`, whose
rows sql/train computes from the codes of the validation text.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.grid import at
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks
from bisae.query import (
    database,
    explain_errors,
    read_views,
    rows_of,
    view_provenance,
    write_tables,
)
from bisae.sae import Code, ReconstructionMetrics
from bisae.sae.kernels import Scratch
from bisae.store import Array, Store
from bisae.train.job import TrainingJob

TABLE = "convergence"
VALID_TOKENS = 200_000
"""The most validation tokens that are read: with n 32,768 and K 32, some 200
activations of each feature. The codes of cells that train together wait in memory, 26
MB each: 3 % of what an autoencoder of d 512 and its buffer take."""
SCHEMA = pa.schema(
    [
        ("measured_at", pa.string()),
        ("trained_tokens", pa.int64()),
        ("n_tokens", pa.int64()),
        ("n_alive", pa.int64()),
        ("mixed_share", pa.float64()),
        ("fvu", pa.float64()),
        ("firing_threshold", pa.float64()),
        ("class_threshold", pa.float64()),
    ]
)
CompactCodes = tuple[Array, Array]
"""Index and value, (tokens, k), of consecutive tokens."""


class Convergence:
    """Measures the jobs that train together, twice, and adds the rows to each job."""

    def __init__(
        self, store: Store, lm: LanguageModel, jobs: Sequence[TrainingJob]
    ) -> None:
        """All jobs belong to the checkpoint loaded as `lm`. Raises Unfinished."""
        self._jobs = jobs
        self._blocks = StateBlocks(store, "valid", lm, [job.cell for job in jobs])
        self._settings = _settings(store)
        documents = store.study.lm.batch_documents
        most = VALID_TOKENS // (documents * (store.study.corpus.context - 1))
        self._n_blocks = min(len(self._blocks), max(1, most))
        self._tokens = _tokens(store, self._n_blocks * documents)
        total = store.split("train").n_tokens()
        milestones = {"half": -(-total // 2), "end": total}
        self._milestones = milestones if len(self._tokens) else {}

    def due(self, trained_tokens: int) -> list[str]:
        """Return the milestones that are reached and not measured yet."""
        measured = {row["measured_at"] for job in self._jobs for row in job.convergence}
        return [
            milestone
            for milestone, tokens in self._milestones.items()
            if trained_tokens >= tokens and milestone not in measured
        ]

    def measure(self, trained_tokens: int, scratch: Scratch) -> None:
        """Run the model over the validation text and add the rows that are due.

        The buffer must not be using the model. Raises StateError.
        """
        metrics = [ReconstructionMetrics(job.sae) for job in self._jobs]
        codes: list[list[CompactCodes]] = [[] for _ in self._jobs]
        for number in range(self._n_blocks):
            states = self._blocks[number]
            for job, of_job, blocks in zip(self._jobs, metrics, codes, strict=True):
                with at(job.cell):
                    x = unit_states(states.layers[job.cell.layer])
                    reconstruction = job.sae.reconstruct(x, scratch)
                    of_job.add(x, reconstruction)
                    blocks.append(_compact(reconstruction.code, len(job.sae.W_enc)))
        due = self.due(trained_tokens)
        for job, of_job, blocks in zip(self._jobs, metrics, codes, strict=True):
            measured = {
                "trained_tokens": trained_tokens,
                "n_tokens": len(self._tokens),
                "fvu": of_job.metrics()["fvu"],
            }
            rows = [{"measured_at": milestone} | measured for milestone in due]
            job.convergence += self._rows(rows, blocks)

    def _rows(
        self, measured: list[dict[str, Any]], codes: Sequence[CompactCodes]
    ) -> list[dict[str, Any]]:
        """Compute rows of the table from the codes of the validation text."""
        view = read_views("train")[TABLE]
        with closing(database()) as con, explain_errors(view.path):
            con.register("settings", self._settings)
            con.register("tokens", self._tokens)
            con.register("measured", pa.Table.from_pylist(measured))
            con.register("codes", _activations(codes))
            names, values = rows_of(con, view.select)
        return [dict(zip(names, row, strict=True)) for row in values]


def write_convergence(store: Store, job: TrainingJob) -> None:
    """Write the rows of a trained job as the table of its cell."""
    (settings,) = _settings(store).to_pylist()
    provenance = view_provenance(read_views("train"), TABLE, settings)
    with closing(database(store.tables)) as con:
        con.register(TABLE, pa.Table.from_pylist(job.convergence, SCHEMA))
        write_tables(con, store, {TABLE: provenance}, job.cell)


def _settings(store: Store) -> pa.Table:
    """Return the settings of the study that training knows, as the table of one row."""
    return pa.Table.from_pylist([store.study.features.model_dump()])


def _tokens(store: Store, documents: int) -> pa.Table:
    """Return the first documents' tokens: token_row and language, by its position."""
    block = store.split("valid").block(0, documents)
    language = np.repeat(block.language, block.length)
    return pa.table({"token_row": np.arange(len(language)), "language": language})


def _compact(code: Code, n: int) -> CompactCodes:
    """Copy a code in the narrowest types that hold its n features and stored values."""
    index = code.index.cpu().numpy().astype(np.min_scalar_type(n - 1))
    return index, code.value.cpu().numpy().astype(np.float16)


def _activations(codes: Sequence[CompactCodes]) -> pa.Table:
    """Return the activations of consecutive tokens: token_row, feature, value."""
    index, value = (np.concatenate(arrays) for arrays in zip(*codes, strict=True))
    used = value > 0
    return pa.table(
        {
            "token_row": np.arange(len(used)).repeat(used.sum(1)),
            "feature": index[used].astype(np.int32),
            "value": value[used].astype(np.float32),
        }
    )
