"""Semantic clusters: which of a feature's tokens mean something alike.

Reads the input embeddings of one checkpoint of the study (kept beside the tables, so
that analysis goes on without it) and gives each token of a feature its cluster.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from bisae.errors import CheckpointError
from bisae.files import on_disk, written
from bisae.hidden import load_lm
from bisae.store import Store

RANDOM_PAIRS = 1_000_000
LARGEST_SET = 4096
Ints = NDArray[np.int64]
Rows = NDArray[np.float32]


class Threshold(NamedTuple):
    """The cosine above which two tokens are alike, and how many are so by chance."""

    cosine: float
    link_rate: float


def load_embeddings(store: Store) -> Rows:
    """The embedding rows as unit vectors, (vocabulary, d); made on first use.

    Raises CheckpointError where the checkpoint is of another vocabulary.
    """
    size, step = store.study.embeddings()
    file = store.tables / "embeddings" / f"{size}-{step}.npy"
    if not file.exists():
        with written(file) as held, held.open("wb") as opened:
            np.save(opened, _unit_rows(store, size, step))
    with on_disk(file) as held:
        found: Rows = np.load(held, mmap_mode="r")
    return found


def _unit_rows(store: Store, size: str, step: int) -> Rows:
    study = store.study
    place, revision = study.model(size).checkpoint_at(step)
    lm = load_lm(place, revision, trust_remote_code=study.lm.trust_remote_code)
    rows = lm.input_embeddings().numpy().astype(np.float32)
    if len(rows) < store.corpus_attributes()["vocab_size"]:
        msg = f"{place} embeds {len(rows)} tokens, fewer than the tokenizer has"
        raise CheckpointError(msg)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Rows = (rows / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit


def resolve_threshold(
    setting: float | str, rows: Rows, tokens: Ints, seed: int
) -> Threshold:
    """Turn a cosine or `null:q` into a cosine, with the share it links by chance.

    `null:q` is the cosine that a share q of a million random pairs of the tokens that
    occur exceeds.
    """
    draw = np.random.default_rng(seed)
    first, second = draw.choice(tokens, (2, RANDOM_PAIRS))
    first, second = first[first != second], second[first != second]
    cosine = np.concatenate(
        [
            np.einsum("pd,pd->p", rows[a], rows[b])
            for a, b in zip(_parts(first), _parts(second), strict=True)
        ]
    )
    if isinstance(setting, str):
        share = float(setting.removeprefix("null:"))
        # Midway between two pairs, so that rounding decides none.
        setting = float(np.quantile(cosine, 1 - share, method="midpoint"))
    return Threshold(setting, float((cosine > setting).mean()))


def _parts(pairs: Ints) -> list[Ints]:
    return np.array_split(pairs, 64)


def cluster(
    feature: Ints,
    token_id: Ints,
    n_firings: Ints,
    rows: Rows,
    threshold: float,
    rule: str,
) -> Ints:
    """Each (feature, token)'s cluster, named by its lowest token id.

    feature must be sorted. `components`: connected components of cosine > threshold.
    `greedy`: tokens in falling order of firings join the first leader that is alike.
    """
    found = token_id.copy()
    starts = np.flatnonzero(np.r_[True, feature[1:] != feature[:-1], True])
    for first, last in pairwise(starts):
        if last - first > 1:
            part = slice(first, last)
            tokens = token_id[part]
            alike = rows[tokens] @ rows[tokens].T > threshold
            if rule == "components":
                label = _components(alike)
            else:
                label = _leaders(alike, tokens, n_firings[part])
            lowest = np.full(label.max() + 1, np.iinfo(np.int64).max)
            np.minimum.at(lowest, label, tokens)
            found[part] = lowest[label]
    return found


def _components(alike: NDArray[np.bool_]) -> Ints:
    graph = csr_matrix(alike.astype(np.int8))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _leaders(alike: NDArray[np.bool_], tokens: Ints, n_firings: Ints) -> Ints:
    label = np.full(len(tokens), -1)
    leaders: list[int] = []
    for place in np.lexsort((tokens, -n_firings)):
        joined = [number for number, lead in enumerate(leaders) if alike[place, lead]]
        label[place] = joined[0] if joined else len(leaders)
        if not joined:
            leaders.append(int(place))
    return label


class NullSets(NamedTuple):
    """Token sets drawn at random from the text, as if each were a feature's."""

    feature: Ints
    token_id: Ints
    n_firings: Ints
    bins: list[tuple[int, int, int]]
    """feature, n_tokens_low, n_tokens_high"""


def draw_null_sets(text: Ints, sets: int, seed: int) -> NullSets:
    """Draw token sets for each logarithmic bin of set sizes: 1, 2, 3-4, 5-8, ...

    Firings fall on random positions of the text until the set has its size, so tokens
    come as frequent as they are. Sets end at LARGEST_SET tokens, and at half of those
    that occur: beyond, only the rarest tokens tell one set from another.
    """
    draw = np.random.default_rng(seed)
    largest = min(LARGEST_SET, max(2, len(np.unique(text)) // 2))
    parts: list[tuple[Ints, Ints]] = []
    bins: list[tuple[int, int, int]] = []
    low, high = 1, 1
    while low <= largest:
        top = min(high, largest)
        for _ in range(sets):
            bins.append((len(parts), low, top))
            parts.append(_random_set(text, int(draw.integers(low, top + 1)), draw))
        low, high = high + 1, 2 * high
    feature = np.repeat(np.arange(len(parts)), [len(tokens) for tokens, _ in parts])
    token_id, n_firings = (np.concatenate(one) for one in zip(*parts, strict=True))
    return NullSets(feature, token_id, n_firings, bins)


def _random_set(text: Ints, size: int, draw: np.random.Generator) -> tuple[Ints, Ints]:
    drawn = np.empty(0, np.int64)
    while True:
        drawn = np.r_[drawn, draw.choice(text, max(64, 2 * size, len(drawn)))]
        _, first = np.unique(drawn, return_index=True)
        if len(first) >= size:
            end = np.sort(first)[size - 1] + 1
            tokens, counts = np.unique(drawn[:end], return_counts=True)
            return tokens, counts
