"""What the format says of each part: its arrays, its attributes, what rows may hold.

Reads shapes from the study, the lengths of documents from the corpus.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bisae.grid import Cell
from bisae.store import SPLITS, Array, Store

NORM_ERROR = 1e-4
"""How far a direction's float32 norm may be from 1."""
INFINITE = 0x7C00
"""The bits of float16 infinity. Those of finite positive values are below, in order."""

Rule = Callable[[int, Mapping[str, Array]], str]
"""Says what is wrong with some rows, given the number of the first; else nothing."""


class Expected(NamedTuple):
    """What the format says of a part."""

    groups: Sequence[tuple[str, ...]]
    """Its arrays; those whose rows are looked at side by side stand together."""
    shapes: Mapping[str, tuple[int | None, ...]]
    """None: any number of rows, as many as the others beside it have."""
    told: Mapping[str, Any]
    """Attributes that it must have."""
    rule: Rule


def corpus(store: Store) -> Expected:
    """Of the text."""
    width = store.study.corpus.context - 1
    columns = {"token_id": (None, width), "language": (None,), "length": (None,)}
    told = {"languages": list(store.languages), "context": width + 1}

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        token_id, language, length = rows.values()
        if not (language < len(store.languages)).all():
            return "a document has a language that there is not"
        real = np.arange(width) < length[:, None]
        if (length > width).any() or ((token_id >= 0) != real).any():
            return "a length is not the number of tokens"
        return ""

    return Expected(
        groups=[tuple(f"{split}/{name}" for name in columns) for split in SPLITS],
        shapes={
            f"{split}/{name}": shape
            for split in SPLITS
            for name, shape in columns.items()
        },
        told=told,
        rule=rule,
    )


def train(_store: Store, _cell: Cell) -> Expected:
    """Of the training losses."""

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        return "" if np.isfinite(rows["loss"]).all() else "a loss is not finite"

    return Expected([("loss",)], {"loss": (None,)}, {}, rule)


def sae(store: Store, cell: Cell) -> Expected:
    """Of the weights."""
    settings = store.study.sae
    d_model = store.attributes(cell, "sae").get("d_model", 0)
    n = settings.n_features
    shapes: dict[str, tuple[int | None, ...]] = {
        "W_dec": (n, d_model),
        "W_enc": (n, d_model),
        "b_pre": (d_model,),
    }
    shapes |= {"b_enc": (n,)} if settings.encoder_bias else {}
    known = store.corpus_attributes()
    told = {
        "n_features": n,
        "k": settings.k,
        "corpus_fingerprint": known["fingerprint"],
        "tokenizer_fingerprint": known.get("tokenizer_fingerprint"),
    }

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        ((name, values),) = rows.items()
        if not np.isfinite(values).all():
            return "a weight is not finite"
        if name == "W_dec":
            norms = np.linalg.norm(values, axis=1)
            if (np.abs(norms - 1) > NORM_ERROR).any():
                return "a direction's norm is not 1"
        return ""

    return Expected([(name,) for name in shapes], shapes, told, rule)


def codes(store: Store, cell: Cell) -> Expected:
    """Of the codes; holds the length of every evaluation document, two bytes each."""
    settings, width = store.study.sae, store.study.corpus.context - 1
    n, k = settings.n_features, settings.k
    length = np.concatenate([block.length for block in store.documents("eval")])
    size = len(length) * width
    told = {"sae_fingerprint": store.attributes(cell, "sae")["fingerprint"]}

    def rule(first: int, rows: Mapping[str, Array]) -> str:
        if "feature" in rows:
            numbered = np.array_equal(np.sort(rows["feature"]), np.arange(n))
            return "" if numbered else "a feature has no number, or two"
        wrong = _wrong_rows(rows["index"], rows["value"], n)
        return wrong or _wrong_places(rows["value"], first, length, width)

    return Expected(
        [("feature",), ("index", "value")],
        {"feature": (n,), "index": (size, k), "value": (size, k)},
        told,
        rule,
    )


def _wrong_rows(index: Array, value: Array, n: int) -> str:
    bits = value.view(np.uint16)
    if not (bits < INFINITE).all():
        return "a value is negative or not finite"
    if not (bits[:, 1:] <= bits[:, :-1]).all():
        return "values do not fall along a row"
    if not (index < n).all():
        return f"an index is not below {n:,}"
    used = bits > 0
    if index[~used].any():
        return "an unused place has an index"
    # An unused place gets an index of its own, which equals no other.
    own = n + np.arange(index.shape[1], dtype=np.uint32)
    ordered = np.sort(np.where(used, index, own), axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        return "an index stands twice in a row"
    return ""


def _wrong_places(value: Array, first: int, length: Array, width: int) -> str:
    document, position = np.divmod(np.arange(first, first + len(value)), width)
    beyond = position >= length[document]
    return "a row beyond its document's end has codes" if value[beyond].any() else ""
