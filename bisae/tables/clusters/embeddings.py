"""Token embeddings, and the cosine above which two tokens are similar.

Reads the input embeddings of one checkpoint of the study; stores them with the tables,
so that analysis works without the checkpoint.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bisae.errors import CheckpointError
from bisae.files import AnyPath, local_copy, stored_checksum, write_with_checksum
from bisae.grid import Checkpoint
from bisae.lm import load_lm
from bisae.lm.hub import release
from bisae.store import Store, vector_files
from bisae.tables.clusters.links import EmbeddingRows, Ints, vectors

MOST_PAIRS = 1_000_000
RESOLUTION = 2e-6
"""A difference of two cosines that rounding cannot bridge: ten times the error of inner
products in single precision, which depends on the order of their terms."""
NEAR = 1e-3
"""The farthest that a threshold lies from its quantile for the sake of that."""
MOST_BYTES = 2**26
"""The largest embeddings in single precision; larger ones are stored in half."""


class Threshold(NamedTuple):
    """The cosine above which tokens are similar, and the share that is by chance."""

    cosine: float
    link_rate: float


def load_embeddings(store: Store) -> EmbeddingRows:
    """Load the embedding rows as unit vectors, (vocabulary, d); store on first use.

    They are mapped into memory, in half precision if they would exceed MOST_BYTES in
    single precision. Raises CheckpointError if the checkpoint has a smaller vocabulary.
    """
    size, step = store.study.embeddings()
    file = _file(store)
    if not file.exists():
        with (
            write_with_checksum(file, store.check_leases) as temporary,
            temporary.open("wb") as opened,
        ):
            np.save(opened, _unit_rows(store, size, step))
    with local_copy(file) as temporary:
        rows: EmbeddingRows = np.load(temporary, mmap_mode="r")
    return rows


def embeddings_sum(store: Store) -> str:
    """Return the SHA-256 of the stored embeddings, which `load_embeddings` wrote."""
    return stored_checksum(_file(store))


def _file(store: Store) -> AnyPath:
    return vector_files(store)["embeddings"]


def _unit_rows(store: Store, size: str, step: int) -> EmbeddingRows:
    study = store.study
    checkpoint, revision = study.model(size).checkpoint_at(step)
    lm = load_lm(checkpoint, revision, trust_remote_code=study.lm.trust_remote_code)
    release(study, Checkpoint(size, step))
    rows = lm.input_embeddings().numpy()
    if len(rows) < store.corpus_attributes()["vocab_size"]:
        msg = f"{checkpoint} embeds {len(rows)} tokens, fewer than the tokenizer has"
        raise CheckpointError(msg)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)
    return unit if unit.nbytes <= MOST_BYTES else unit.astype(np.float16)


def random_cosines(rows: EmbeddingRows, tokens: Ints, seed: int) -> NDArray[np.float32]:
    """Return the cosines of distinct random pairs of these tokens.

    They are MOST_PAIRS, or all pairs if there are no more.
    """
    first, second = random_pairs(len(tokens), seed)
    parts = zip(np.array_split(first, 256), np.array_split(second, 256), strict=True)
    return np.concatenate(
        [
            np.einsum("pd,pd->p", vectors(rows, tokens[a]), vectors(rows, tokens[b]))
            for a, b in parts
        ]
    )


def random_pairs(n: int, seed: int) -> tuple[Ints, Ints]:
    """Draw MOST_PAIRS distinct pairs (i, j) with i < j < n; all if there are no more.

    Pairs are numbered (0, 1), (0, 2), (1, 2), (0, 3) ...; (0, j) is j (j - 1) / 2.
    """
    n_pairs = n * (n - 1) // 2
    if n_pairs <= MOST_PAIRS:
        pairs = np.arange(n_pairs)
    else:
        draw = np.random.default_rng(seed)
        pairs = draw.choice(n_pairs, MOST_PAIRS, replace=False, shuffle=False)
    higher = ((1 + np.sqrt(8 * pairs + 1)) // 2).astype(np.int64)
    return pairs - higher * (higher - 1) // 2, higher


def resolve_threshold(setting: float | str, cosines: NDArray[np.float32]) -> Threshold:
    """Turn a cosine or `null:q` into a cosine, with the share that it links by chance.

    `null:q` is the cosine that a share q of random pairs exceeds.
    """
    if isinstance(setting, str):
        setting = _null_cosine(float(setting.removeprefix("null:")), cosines)
    return Threshold(setting, float((cosines > setting).mean()))


def _null_cosine(share: float, cosines: NDArray[np.float32]) -> float:
    """Return a cosine that a share of pairs exceeds, midway between two different ones.

    The two differ by more than RESOLUTION and are as near to the quantile as possible;
    if there are none within NEAR, they are those there that differ most.
    """
    ordered = np.r_[1.0, np.sort(cosines)[::-1].astype(np.float64), -1.0]
    upper, lower = ordered[:-1], ordered[1:]  # rank r: between pairs r and r + 1
    wanted = share * len(cosines)
    quantile = (upper + lower)[round(wanted)] / 2
    ranks = np.flatnonzero((lower - quantile <= NEAR) & (quantile - upper <= NEAR))
    gaps = np.minimum(upper - lower, RESOLUTION)[ranks]
    best = ranks[np.lexsort((np.abs(ranks - wanted), -gaps))[0]]
    return float((upper + lower)[best] / 2)
