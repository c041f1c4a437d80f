"""Measure autoencoders on the validation text, halfway through training and at its end.

Reads the `valid` split and the language model; writes the table `convergence`, whose
rows sql/train computes from the codes of the validation text.
"""

from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pyarrow as pa

from bisae.corpus import text_for
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
        self._store, self._jobs = store, jobs
        self._view = read_views("train")[TABLE]
        cells = [job.cell for job in jobs]
        text = text_for(store, cells[0], store.split("valid"))
        self._blocks = StateBlocks(store, text, lm, cells)
        # A table of one row: the settings of the study that training knows.
        self._settings = pa.Table.from_pylist([store.study.features.model_dump()])
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
        fvu = [of_job.metrics()["fvu"] for of_job in metrics]
        self._add_rows(trained_tokens, fvu, codes)

    def _add_rows(
        self,
        trained_tokens: int,
        fvu: Sequence[float],
        codes: Sequence[Sequence[CompactCodes]],
    ) -> None:
        """Add the rows that are due to each job, given its FVU and codes."""
        row = {"trained_tokens": trained_tokens, "n_tokens": len(self._tokens)}
        due = [{"measured_at": name} | row for name in self.due(trained_tokens)]
        with closing(database()) as con, explain_errors(self._view.path):
            con.register("settings", self._settings)
            con.register("tokens", self._tokens)
            for job, fvu_of_job, blocks in zip(self._jobs, fvu, codes, strict=True):
                measured = [{"fvu": fvu_of_job} | row for row in due]
                con.register("measured", pa.Table.from_pylist(measured))
                con.register("codes", _activations(blocks))
                names, values = rows_of(con, self._view.select)
                job.convergence += [dict(zip(names, v, strict=True)) for v in values]

    def write(self) -> None:
        """Write the rows of each job as the table of its cell. Raises LeaseLost."""
        (settings,) = self._settings.to_pylist()
        provenance = view_provenance({TABLE: self._view}, TABLE, settings)
        with closing(database(self._store.tables)) as con:
            for job in self._jobs:
                con.register(TABLE, pa.Table.from_pylist(job.convergence, SCHEMA))
                write_tables(con, self._store, {TABLE: provenance}, job.cell)


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
