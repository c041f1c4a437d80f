"""The embeddings that say which tokens mean something alike, and above which cosine.

Reads the input embeddings of one checkpoint of the study; keeps them beside the tables,
so that analysis goes on without it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bisae.errors import CheckpointError
from bisae.files import AnyPath, checksum_file, local_copy, read, write_with_checksum
from bisae.lm import load_lm
from bisae.store import Store
from bisae.tables.clusters.links import Ints, Rows, vectors

RANDOM_PAIRS = 1_000_000


class Threshold(NamedTuple):
    """The cosine above which two tokens are alike, and how many are so by chance."""

    cosine: float
    link_rate: float


def load_embeddings(store: Store) -> Rows:
    """The embedding rows as unit vectors, (vocabulary, d); made on first use.

    Half precision, mapped into memory. Raises CheckpointError where the checkpoint is
    of another vocabulary.
    """
    size, step = store.study.embeddings()
    file = _file(store)
    if not file.exists():
        with (
            write_with_checksum(file, store.check_leases) as held,
            held.open("wb") as opened,
        ):
            np.save(opened, _unit_rows(store, size, step))
    with local_copy(file) as held:
        found: Rows = np.load(held, mmap_mode="r")
    return found


def embeddings_sum(store: Store) -> str:
    """The sha256 of the embeddings as they are kept, which `load_embeddings` made."""
    return read(checksum_file(_file(store))).decode().split()[0]


def _file(store: Store) -> AnyPath:
    size, step = store.study.embeddings()
    return store.tables / "embeddings" / f"{size}-{step}.npy"


def _unit_rows(store: Store, size: str, step: int) -> Rows:
    study = store.study
    place, revision = study.model(size).checkpoint_at(step)
    lm = load_lm(place, revision, trust_remote_code=study.lm.trust_remote_code)
    rows = lm.input_embeddings().numpy()
    if len(rows) < store.corpus_attributes()["vocab_size"]:
        msg = f"{place} embeds {len(rows)} tokens, fewer than the tokenizer has"
        raise CheckpointError(msg)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Rows = (rows / np.where(norms > 0, norms, 1)).astype(np.float16)
    return unit


def random_cosines(rows: Rows, tokens: Ints, seed: int) -> NDArray[np.float32]:
    """The cosines of a million random pairs of these tokens."""
    draw = np.random.default_rng(seed)
    first, second = draw.choice(tokens, (2, RANDOM_PAIRS))
    first, second = first[first != second], second[first != second]
    parts = zip(np.array_split(first, 256), np.array_split(second, 256), strict=True)
    return np.concatenate(
        [np.einsum("pd,pd->p", vectors(rows, a), vectors(rows, b)) for a, b in parts]
    )


def resolve_threshold(setting: float | str, cosines: NDArray[np.float32]) -> Threshold:
    """Turn a cosine or `null:q` into a cosine, with the share it links by chance.

    `null:q` is the cosine that a share q of random pairs exceeds.
    """
    if isinstance(setting, str):
        share = float(setting.removeprefix("null:"))
        # Midway between two pairs, so that rounding decides none.
        setting = float(np.quantile(cosines, 1 - share, method="midpoint"))
    return Threshold(setting, float((cosines > setting).mean()))
