"""Token embeddings, and the cosine above which two tokens are similar.

Reads the input embeddings of one checkpoint of the study; stores them with the tables,
so that analysis works without the checkpoint.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bisae.errors import CheckpointError
from bisae.files import AnyPath, checksum_file, local_copy, read, write_with_checksum
from bisae.lm import load_lm
from bisae.store import Store, vector_files
from bisae.tables.clusters.links import EmbeddingRows, Ints, vectors

RANDOM_PAIRS = 1_000_000


class Threshold(NamedTuple):
    """The cosine above which tokens are similar, and the share that is by chance."""

    cosine: float
    link_rate: float


def load_embeddings(store: Store) -> EmbeddingRows:
    """Load the embedding rows as unit vectors, (vocabulary, d); store on first use.

    They are in half precision, mapped into memory. Raises CheckpointError if the
    checkpoint has a smaller vocabulary.
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
    return read(checksum_file(_file(store))).decode().split()[0]


def _file(store: Store) -> AnyPath:
    return vector_files(store)["embeddings"]


def _unit_rows(store: Store, size: str, step: int) -> EmbeddingRows:
    study = store.study
    checkpoint, revision = study.model(size).checkpoint_at(step)
    lm = load_lm(checkpoint, revision, trust_remote_code=study.lm.trust_remote_code)
    rows = lm.input_embeddings().numpy()
    if len(rows) < store.corpus_attributes()["vocab_size"]:
        msg = f"{checkpoint} embeds {len(rows)} tokens, fewer than the tokenizer has"
        raise CheckpointError(msg)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: EmbeddingRows = (rows / np.where(norms > 0, norms, 1)).astype(np.float16)
    return unit


def random_cosines(rows: EmbeddingRows, tokens: Ints, seed: int) -> NDArray[np.float32]:
    """Return the cosines of a million random pairs of these tokens."""
    draw = np.random.default_rng(seed)
    first, second = draw.choice(tokens, (2, RANDOM_PAIRS))
    first, second = first[first != second], second[first != second]
    parts = zip(np.array_split(first, 256), np.array_split(second, 256), strict=True)
    return np.concatenate(
        [np.einsum("pd,pd->p", vectors(rows, a), vectors(rows, b)) for a, b in parts]
    )


def resolve_threshold(setting: float | str, cosines: NDArray[np.float32]) -> Threshold:
    """Turn a cosine or `null:q` into a cosine, with the share that it links by chance.

    `null:q` is the cosine that a share q of random pairs exceeds.
    """
    if isinstance(setting, str):
        share = float(setting.removeprefix("null:"))
        # Midway between two pairs, so that rounding decides none.
        setting = float(np.quantile(cosines, 1 - share, method="midpoint"))
    return Threshold(setting, float((cosines > setting).mean()))
