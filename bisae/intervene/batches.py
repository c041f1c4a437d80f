"""The held-out text in batches, and the full model's codes of it.

Reads the split `heldout`; keeps the codes of all its tokens in temporary files, so that
only one of the two models is in memory at a time.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bisae.errors import StudyError
from bisae.grid import Cell, at
from bisae.intervene.equation import EncodedStates, encode_states
from bisae.lm import LanguageModel
from bisae.lm.states import buckets, with_bos, without_bos
from bisae.progress import bar
from bisae.sae import Autoencoder, Code
from bisae.store import Store


class Batch(NamedTuple):
    """Some held-out documents."""

    document: list[int]
    language: list[str]
    token_id: Tensor
    """(documents, context), BOS in front."""
    mask: Tensor
    """(documents, context) bool: true at tokens, BOS included."""

    @property
    def edited(self) -> Tensor:
        """(documents, context) bool: true at every token but BOS."""
        return without_bos(self.mask)

    def trimmed(self, device: torch.device) -> Iterator["Batch"]:
        """Yield the documents in batches of similar length, with little padding."""
        for bucket in buckets(self.token_id, self.mask, device):
            rows = bucket.documents.tolist()
            document, language = (
                [column[row] for row in rows]
                for column in (self.document, self.language)
            )
            yield Batch(document, language, *bucket.text)


class Heldout:
    """The held-out documents in batches, at most `limit` of each language."""

    def __init__(self, store: Store, size: int, limit: int | None) -> None:
        """Read `size` documents at a time and keep `limit` of each language."""
        self._split = store.split("heldout")
        if not len(self._split):
            msg = f"{store.path} has no held-out documents; raise [corpus] "
            msg += "heldout_tokens, and build the study again elsewhere"
            raise StudyError(msg)
        self._languages = store.languages
        self._bos = store.corpus_attributes()["bos_token_id"]
        self._size, self._limit = size, limit
        self._context = store.study.corpus.context
        self.n_tokens = sum(int(batch.edited.sum()) for batch in self)

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self._split) // self._size)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the same batches each time; a batch may have no documents."""
        seen: Counter[str] = Counter()
        for number in range(len(self)):
            block = self._split.block(number * self._size, self._size)
            language = [self._languages[code] for code in block.language]
            chosen = []
            for row, name in enumerate(language):
                seen[name] += 1
                if self._limit is None or seen[name] <= self._limit:
                    chosen.append(row)
            token_id, mask = with_bos(block, self._bos)
            documents = [block.first + row for row in chosen]
            languages = [language[row] for row in chosen]
            yield Batch(documents, languages, token_id[chosen], mask[chosen])


class Encodings:
    """The full model's codes of all held-out tokens, in files."""

    def __init__(self, folder: Path, tokens: int, k: int, device: torch.device) -> None:
        shapes = {
            "index": (np.int32, (tokens, k)),
            "value": (np.float32, (tokens, k)),
            "norm": (np.float32, (tokens,)),
        }
        self._columns = {
            name: np.memmap(folder / name, dtype, "w+", shape=shape)
            for name, (dtype, shape) in shapes.items()
        }
        self._device = device
        self._filled = 0

    def __len__(self) -> int:
        """Return the number of tokens that fit."""
        return len(self._columns["norm"])

    def append(self, encoded: EncodedStates) -> None:
        """Write the codes of the next tokens."""
        rows = slice(self._filled, self._filled + len(encoded.norm))
        columns = (encoded.code.index, encoded.code.value, encoded.norm)
        for column, values in zip(self._columns.values(), columns, strict=True):
            column[rows] = values.cpu().numpy()
        self._filled = rows.stop

    def read(self, first: int, tokens: int) -> EncodedStates:
        """Read the codes of `tokens` tokens from number `first` on."""
        index, value, norm = (
            torch.from_numpy(np.array(column[first : first + tokens])).to(self._device)
            for column in self._columns.values()
        )
        return EncodedStates(Code(index.long(), value), norm)


@contextmanager
def encodings(folder: Path, tokens: int, sae: Autoencoder) -> Iterator[Encodings]:
    """Yield temporary files in `folder` with space for the codes of `tokens` tokens."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        yield Encodings(Path(scratch), tokens, sae.k, sae.W_dec.device)


def encode_text(
    full: LanguageModel, sae: Autoencoder, cell: Cell, text: Heldout, codes: Encodings
) -> None:
    """Run the full model up to the layer, once over the text."""
    title = f"encode held-out text at {cell}"
    with bar(text.n_tokens, title, "tokens") as progress, at(cell):
        for batch in text:
            for bucket in batch.trimmed(full.device):
                token_id, mask, edited = bucket.token_id, bucket.mask, bucket.edited
                states = full.hidden_states(token_id, mask, [cell.layer])[cell.layer]
                codes.append(encode_states(sae, states[edited.to(full.device)]))
                progress.update(int(edited.sum()))
