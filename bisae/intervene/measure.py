"""Losses of the mid-training model on held-out text, with everything that is added.

Reads batches and the full model's codes; writes one Parquet file a batch into the
folder of the run, and leaves alone what stands there already. The lower blocks run once
a batch, the upper ones once for each setting, and once for the baseline.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from bisae.disk import atomic_write
from bisae.intervene.additions import BASELINE, Addition
from bisae.intervene.batches import Batch, Encodings, Heldout
from bisae.intervene.equation import Encoded, Masked, strengthless
from bisae.lm import LanguageModel
from bisae.progress import bar


class Setting(NamedTuple):
    """What names a row of `interventions`, beside the models and the language."""

    control: str
    added: str
    alpha: float
    m: int
    draw: int
    scale_back: bool


class Prepared(NamedTuple):
    """An addition that is ready to be made."""

    addition: Addition
    masked: Masked
    factor: tuple[float, float]
    """What its features are multiplied by: as they are, and scaled back."""


Row = dict[str, Any]
NOTHING = Setting("m", BASELINE, 0.0, 0, 0, scale_back=False)


def settings(additions: Sequence[Addition], alphas: Sequence[float]) -> list[Setting]:
    """Every setting, the baseline first; alphas vary fastest."""
    return [
        NOTHING,
        *(
            Setting(one.control, one.added, alpha, one.m, one.draw, scale_back)
            for one in additions
            for scale_back in (False, True)
            for alpha in sorted(set(alphas))
        ),
    ]


def missing(folder: Path, number: int, wanted: Sequence[Setting]) -> set[Setting]:
    """The settings of which a batch's losses are not there yet."""
    file = part(folder, number)
    if not file.exists():
        return set(wanted)
    rows = pq.read_table(file, columns=list(Setting._fields)).to_pylist()
    return set(wanted) - {Setting(**row) for row in rows}


def part(folder: Path, number: int) -> Path:
    """Where a batch's losses are."""
    return folder / f"{number:05}.parquet"


def measure(
    mid: LanguageModel,
    layer: int,
    text: Heldout,
    codes: Encodings,
    prepared: Sequence[Prepared],
    bias: Tensor | None,
    wanted: Sequence[Setting],
    folder: Path,
    check: Callable[[], None],
) -> None:
    """Measure what is not measured yet, batch by batch.

    `check` is called before a batch is kept, and raises where it may not be.
    """
    first = 0
    with bar(text.n_tokens, "run with features added", "tokens") as shown:
        for number, batch in enumerate(text):
            left = missing(folder, number, wanted) if batch.document else set()
            rows: list[Row] = []
            for trimmed in batch.trimmed(mid.device):
                tokens = int(trimmed.edited.sum())
                if left:
                    code = codes.of(first, tokens)
                    losses = Losses(mid, layer, trimmed)
                    rows += chain.from_iterable(losses.rows(code, prepared, bias, left))
                first += tokens
                shown.update(tokens)
            if rows:
                check()
                _add(part(folder, number), rows)


def _add(file: Path, rows: list[Row]) -> None:
    """Write rows beside those that are there."""
    table = pa.Table.from_pylist(rows)
    if file.exists():
        table = pa.concat_tables([pq.read_table(file), table])
    with atomic_write(file) as held:
        pq.write_table(table, held)


class Losses:
    """One batch through the mid model: whole for the baseline, then from the layer."""

    def __init__(self, mid: LanguageModel, layer: int, batch: Batch) -> None:
        self._mid, self._layer, self._batch = mid, layer, batch
        with mid.caching(layer) as kept:
            self._baseline = mid.token_losses(batch.token_id, batch.mask)
        self._kept = kept
        self._edited = batch.edited.to(mid.device)
        self._raw = kept.state[self._edited].float()  # (tokens, d)

    def rows(
        self,
        encoded: Encoded,
        prepared: Sequence[Prepared],
        bias: Tensor | None,
        wanted: set[Setting],
    ) -> Iterator[list[Row]]:
        """The rows of every wanted setting, a list for each."""
        if NOTHING in wanted:
            nothing = torch.zeros(len(self._raw), device=self._raw.device)
            yield self._told(NOTHING, 0, self._baseline, nothing, nothing)
        by_addition: dict[Any, list[Setting]] = {}
        for setting in sorted(wanted):
            by_addition.setdefault(setting._replace(alpha=0), []).append(setting)
        for one in prepared:
            control, m = one.addition.control, one.addition.m
            for scale_back in (False, True):
                own = (one.addition.added, 0, m, one.addition.draw, scale_back)
                if of_it := by_addition.get((control, *own)):
                    yield from self._strengths(encoded, one, bias, of_it)

    def _strengths(
        self,
        encoded: Encoded,
        one: Prepared,
        bias: Tensor | None,
        wanted: Sequence[Setting],
    ) -> Iterator[list[Row]]:
        """One addition with every strength; it is decoded once."""
        code, norm = encoded
        scale_back = wanted[0].scale_back
        part = one.factor[scale_back] * one.masked.decode(code)
        whole = strengthless(part, norm, bias, scale_back=scale_back)
        size, active = whole.norm(dim=1), one.masked.n_active(code).float()
        n_added = len(one.addition.features)
        for setting in wanted:
            losses = self._losses(setting.alpha * whole)
            yield self._told(setting, n_added, losses, setting.alpha * size, active)

    def _losses(self, added: Tensor) -> Tensor:
        """Token losses with (tokens, d) added: (documents, context - 1)."""
        state = self._kept.state.clone()
        state[self._edited] = (self._raw + added).to(state.dtype)
        with self._mid.resume_from_layer(self._layer, self._kept, state):
            return self._mid.token_losses(self._batch.token_id, self._batch.mask)

    def _told(
        self, setting: Setting, n_added: int, losses: Tensor, size: Tensor, act: Tensor
    ) -> list[Row]:
        """A row for each document: summed losses, means over its tokens."""
        columns = {
            "nll": losses.double().sum(1),
            "added_norm": self._means(size),
            "residual_norm": self._means(self._raw.norm(dim=1)),
            "active_per_token": self._means(act),
        }
        n_tokens = self._edited.sum(1).tolist()
        values = {name: column.tolist() for name, column in columns.items()}
        named: Mapping[str, list[Any]] = {
            "document": self._batch.document,
            "language": self._batch.language,
            "n_tokens": n_tokens,
            **values,
        }
        same = setting._asdict() | {"n_added": n_added}
        return [
            same | dict(zip(named, row, strict=True))
            for row in zip(*named.values(), strict=True)
        ]

    def _means(self, of_tokens: Tensor) -> Tensor:
        """Means over each document's tokens: (tokens,) -> (documents,)."""
        whole = torch.zeros(self._edited.shape, dtype=torch.double)
        whole[self._edited.cpu()] = of_tokens.double().cpu()
        return whole.sum(1) / self._edited.sum(1).cpu()
