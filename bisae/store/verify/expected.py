"""The arrays, attributes and values that the format prescribes for each part.

Reads shapes from the study, and document lengths from the corpus.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bisae.grid import Cell
from bisae.store import PAIRS, SPLITS, Array, Store, is_imported
from bisae.store.layout import SUMS

NORM_ERROR = 1e-4
"""Tolerated difference of a direction's float32 norm from 1."""
INFINITE = 0x7C00
"""The bits of float16 infinity; those of finite positive values are less, in order."""

Rule = Callable[[int, Mapping[str, Array]], str]
"""Returns what is wrong with some rows, given the number of the first, or ""."""


class Expected(NamedTuple):
    """The arrays, attributes and values of a part that the format prescribes."""

    groups: Sequence[tuple[str, ...]]
    """Its arrays; those whose rows are checked together are in one group."""
    shapes: Mapping[str, tuple[int | None, ...]]
    """None stands for any number of rows, the same for all arrays of a group."""
    attributes: Mapping[str, Any]
    """Attributes that it must have."""
    rule: Rule


def corpus(store: Store) -> Expected:
    """Return what is expected of the corpus, with pairs if it has them."""
    width = store.study.corpus.context - 1
    sums = store.corpus_attributes().get(SUMS, {})
    widths = {"token_id": (None, width), "language": (None,), "length": (None,)}
    shapes = {
        split: {f"{split}/{name}": shape for name, shape in widths.items()}
        | ({f"{split}/pair": (None,)} if f"{split}/pair" in sums else {})
        for split in (*SPLITS, PAIRS)
        if f"{split}/token_id" in sums or split in SPLITS
    }
    attributes = {"languages": list(store.languages), "context": width + 1}

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        token_id, language, length, *pair = rows.values()
        if not (language < len(store.languages)).all():
            return "a document has an unknown language"
        real = np.arange(width) < length[:, None]
        if (length > width).any() or ((token_id >= 0) != real).any():
            return "a length is not the number of tokens"
        if any((numbers < -1).any() for numbers in pair):
            return "a pair has a number below -1"
        return ""

    return Expected(
        groups=[tuple(paths) for paths in shapes.values()],
        shapes={path: by_path[path] for by_path in shapes.values() for path in by_path},
        attributes=attributes,
        rule=rule,
    )


def train(_store: Store, _cell: Cell) -> Expected:
    """Return what is expected of the training losses."""

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        return "" if np.isfinite(rows["loss"]).all() else "a loss is not finite"

    return Expected([("loss",)], {"loss": (None,)}, {}, rule)


def further_weights(store: Store, cell: Cell) -> list[str]:
    """List the arrays, (n,), that `sae` must have besides W_enc, W_dec and b_pre.

    Those of a trained cell follow from the study, those of an imported one, which the
    schema of its attributes relates to its architecture, from what it says.
    """
    attributes = store.attributes(cell, "sae")
    if not is_imported(attributes):
        return ["b_enc"] if store.study.sae.encoder_bias else []
    optional = ("b_enc", "threshold", "rank_scale")
    return [name for name in optional if name in attributes[SUMS]]


def sae(store: Store, cell: Cell) -> Expected:
    """Return what is expected of the weights."""
    settings = store.study.sae
    d_model = store.attributes(cell, "sae").get("d_model", 0)
    n = settings.n_features
    shapes: dict[str, tuple[int | None, ...]] = {
        "W_dec": (n, d_model),
        "W_enc": (n, d_model),
        "b_pre": (d_model,),
    }
    shapes |= dict.fromkeys(further_weights(store, cell), (n,))
    corpus_attributes = store.corpus_attributes()
    attributes = {
        "n_features": n,
        "k": settings.k,
        "corpus_fingerprint": corpus_attributes["fingerprint"],
        "tokenizer_fingerprint": corpus_attributes.get("tokenizer_fingerprint"),
    }

    def rule(_: int, rows: Mapping[str, Array]) -> str:
        ((name, values),) = rows.items()
        if not np.isfinite(values).all():
            return "a weight is not finite"
        if name == "W_dec":
            norms = np.linalg.norm(values, axis=1)
            if (np.abs(norms - 1) > NORM_ERROR).any():
                return "a direction's norm is not 1"
        if name == "threshold" and (values < 0).any():
            return "a threshold is negative"
        if name == "rank_scale" and (values <= 0).any():
            return "a rank_scale is not positive"
        return ""

    return Expected([(name,) for name in shapes], shapes, attributes, rule)


def codes(store: Store, cell: Cell) -> Expected:
    """Return what is expected of the codes.

    Holds the length of every evaluation document, two bytes each.
    """
    settings, width = store.study.sae, store.study.corpus.context - 1
    n, k = settings.n_features, settings.k
    length = np.concatenate([block.length for block in store.documents("eval")])
    size = len(length) * width
    attributes = {"sae_fingerprint": store.attributes(cell, "sae")["fingerprint"]}

    def rule(first: int, rows: Mapping[str, Array]) -> str:
        if "feature" in rows:
            numbered = np.array_equal(np.sort(rows["feature"]), np.arange(n))
            return "" if numbered else "a feature has no number, or more than one"
        problem = _problem_of_rows(rows["index"], rows["value"], n)
        return problem or _codes_beyond_end(rows["value"], first, length, width)

    return Expected(
        [("feature",), ("index", "value")],
        {"feature": (n,), "index": (size, k), "value": (size, k)},
        attributes,
        rule,
    )


def _problem_of_rows(index: Array, value: Array, n: int) -> str:
    bits = value.view(np.uint16)
    if not (bits < INFINITE).all():
        return "a value is negative or not finite"
    if not (bits[:, 1:] <= bits[:, :-1]).all():
        return "values do not fall along a row"
    if not (index < n).all():
        return f"an index is not below {n:,}"
    used = bits > 0
    if index[~used].any():
        return "an unused slot has an index"
    # Each unused slot gets a unique index, so that it repeats no other.
    unique = n + np.arange(index.shape[1], dtype=np.uint32)
    ordered = np.sort(np.where(used, index, unique), axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        return "an index appears twice in a row"
    return ""


def _codes_beyond_end(value: Array, first: int, length: Array, width: int) -> str:
    document, position = np.divmod(np.arange(first, first + len(value)), width)
    beyond = position >= length[document]
    return "a row beyond its document's end has codes" if value[beyond].any() else ""
