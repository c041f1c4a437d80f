"""Losses of the mid-training model on held-out text, under every steering vector.

Reads batches and the full model's codes; writes one Parquet file per batch into the
folder of the run, and measures nothing twice. The lower blocks run once per batch, the
upper ones once for each setting and once for the baseline.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from bisae.disk import atomic_write
from bisae.intervene.batches import Batch, Encodings, Heldout
from bisae.intervene.equation import EncodedStates, MaskedDecoder, unscaled_steering
from bisae.intervene.steering import BASELINE, SteeringVector
from bisae.lm import LanguageModel
from bisae.progress import bar


class SteeringSetting(NamedTuple):
    """The key of a row of `interventions`, along with the models and the language."""

    control: str
    added: str
    alpha: float
    m: int
    draw: int
    scale_back: bool


class PreparedVector(NamedTuple):
    """A steering vector with what it takes to compute it."""

    vector: SteeringVector
    decoder: MaskedDecoder
    norm_ratios: tuple[float, float]
    """Scales the decoded features: without and with `scale_back`."""


Row = dict[str, Any]
BASELINE_SETTING = SteeringSetting("m", BASELINE, 0.0, 0, 0, scale_back=False)


def all_settings(
    vectors: Sequence[SteeringVector], alphas: Sequence[float]
) -> list[SteeringSetting]:
    """List every setting, the baseline first; alphas vary fastest."""
    return [
        BASELINE_SETTING,
        *(
            SteeringSetting(
                vector.control, vector.added, alpha, vector.m, vector.draw, scale_back
            )
            for vector in vectors
            for scale_back in (False, True)
            for alpha in sorted(set(alphas))
        ),
    ]


def unmeasured_settings(
    folder: Path, number: int, settings: Sequence[SteeringSetting]
) -> set[SteeringSetting]:
    """Return the settings whose losses on a batch are not measured yet."""
    file = losses_file(folder, number)
    if not file.exists():
        return set(settings)
    rows = pq.read_table(file, columns=list(SteeringSetting._fields)).to_pylist()
    return set(settings) - {SteeringSetting(**row) for row in rows}


def losses_file(folder: Path, number: int) -> Path:
    """Return the path of a batch's losses."""
    return folder / f"{number:05}.parquet"


def measure(
    mid: LanguageModel,
    layer: int,
    text: Heldout,
    codes: Encodings,
    prepared: Sequence[PreparedVector],
    bias: Tensor | None,
    settings: Sequence[SteeringSetting],
    folder: Path,
    check: Callable[[], None],
) -> None:
    """Measure the settings that are not measured yet, batch by batch.

    `check` is called before a batch is written, and raises if it must not be.
    """
    first, total = 0, text.n_tokens * len(settings)
    with bar(total, "measure steered losses", "tokens") as progress:
        for number, batch in enumerate(text):
            unmeasured = (
                unmeasured_settings(folder, number, settings)
                if batch.document
                else set()
            )
            rows: list[Row] = []
            for trimmed in batch.trimmed(mid.device):
                tokens = int(trimmed.edited.sum())
                progress.update(tokens * (len(settings) - len(unmeasured)))
                if unmeasured:
                    code = codes.read(first, tokens)
                    losses = BatchLosses(mid, layer, trimmed)
                    for of_setting in losses.rows(code, prepared, bias, unmeasured):
                        rows += of_setting
                        progress.update(tokens)
                first += tokens
            if rows:
                check()
                _append(losses_file(folder, number), rows)


def _append(file: Path, rows: list[Row]) -> None:
    """Append rows to a Parquet file, which need not exist."""
    table = pa.Table.from_pylist(rows)
    if file.exists():
        table = pa.concat_tables([pq.read_table(file), table])
    with atomic_write(file) as temporary:
        pq.write_table(table, temporary)


class BatchLosses:
    """The mid model's losses on a batch: one whole pass, then passes from the layer."""

    def __init__(self, mid: LanguageModel, layer: int, batch: Batch) -> None:
        self._mid, self._layer, self._batch = mid, layer, batch
        with mid.caching(layer) as cached:
            self._baseline = mid.token_losses(batch.token_id, batch.mask)
        self._cached = cached
        self._edited = batch.edited.to(mid.device)
        self._raw = cached.state[self._edited].float()  # (tokens, d)

    def rows(
        self,
        encoded: EncodedStates,
        prepared: Sequence[PreparedVector],
        bias: Tensor | None,
        settings: set[SteeringSetting],
    ) -> Iterator[list[Row]]:
        """Yield the rows of each setting, as a list."""
        if BASELINE_SETTING in settings:
            nothing = torch.zeros(len(self._raw), device=self._raw.device)
            yield self._rows(BASELINE_SETTING, 0, self._baseline, nothing, nothing)
        by_vector: dict[Any, list[SteeringSetting]] = {}
        for setting in sorted(settings):
            by_vector.setdefault(setting._replace(alpha=0), []).append(setting)
        for prepared_vector in prepared:
            added, control, m, draw, _ = prepared_vector.vector
            for scale_back in (False, True):
                key = (control, added, 0, m, draw, scale_back)
                if vector_settings := by_vector.get(key):
                    yield from self._steered_rows(
                        encoded, prepared_vector, bias, vector_settings
                    )

    def _steered_rows(
        self,
        encoded: EncodedStates,
        prepared: PreparedVector,
        bias: Tensor | None,
        settings: Sequence[SteeringSetting],
    ) -> Iterator[list[Row]]:
        """Yield the rows of one steering vector at every alpha; decode it once."""
        code, norm = encoded
        scale_back = settings[0].scale_back
        decoded = prepared.norm_ratios[scale_back] * prepared.decoder.decode(code)
        unscaled = unscaled_steering(decoded, norm, bias, scale_back=scale_back)
        size, active = unscaled.norm(dim=1), prepared.decoder.n_active(code).float()
        n_added = len(prepared.vector.features)
        for setting in settings:
            losses = self._losses(setting.alpha * unscaled)
            yield self._rows(setting, n_added, losses, setting.alpha * size, active)

    def _losses(self, added: Tensor) -> Tensor:
        """Return token losses with (tokens, d) added: (documents, context - 1)."""
        state = self._cached.state.clone()
        state[self._edited] = (self._raw + added).to(state.dtype)
        with self._mid.resume_from_layer(self._layer, self._cached, state):
            return self._mid.token_losses(self._batch.token_id, self._batch.mask)

    def _rows(
        self,
        setting: SteeringSetting,
        n_added: int,
        losses: Tensor,
        size: Tensor,
        act: Tensor,
    ) -> list[Row]:
        """Make a row for each document: summed losses, means over its tokens."""
        columns = {
            "nll": losses.double().sum(1),
            "added_norm": self._means(size),
            "residual_norm": self._means(self._raw.norm(dim=1)),
            "active_per_token": self._means(act),
        }
        n_tokens = self._edited.sum(1).tolist()
        values = {name: column.tolist() for name, column in columns.items()}
        columns_by_name: Mapping[str, list[Any]] = {
            "document": self._batch.document,
            "language": self._batch.language,
            "n_tokens": n_tokens,
            **values,
        }
        shared_columns = setting._asdict() | {"n_added": n_added}
        return [
            shared_columns | dict(zip(columns_by_name, row, strict=True))
            for row in zip(*columns_by_name.values(), strict=True)
        ]

    def _means(self, of_tokens: Tensor) -> Tensor:
        """Average over each document's tokens: (tokens,) -> (documents,)."""
        padded = torch.zeros(self._edited.shape, dtype=torch.double)
        padded[self._edited.cpu()] = of_tokens.double().cpu()
        return padded.sum(1) / self._edited.sum(1).cpu()
