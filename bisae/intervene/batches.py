"""The held-out text, some documents at a time, and how often the full model's features
are active in it.

Reads the split `heldout`; holds the codes of all its tokens in files that are gone
afterwards, so that only one of two models is in memory at a time.
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
from bisae.intervene.equation import Encoded, encoded
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
    """(documents, context) bool: what is a token, BOS included."""

    @property
    def edited(self) -> Tensor:
        """(documents, context) bool: every token but BOS."""
        return without_bos(self.mask)

    def trimmed(self, device: torch.device) -> Iterator["Batch"]:
        """Yield the batch in parts of similar length, with little padding."""
        for bucket in buckets(self.token_id, self.mask, device):
            rows = bucket.documents.tolist()
            document, language = (
                [column[row] for row in rows]
                for column in (self.document, self.language)
            )
            yield Batch(document, language, *bucket.text)


class Heldout:
    """The held-out documents of each language, as many as are asked for."""

    def __init__(self, store: Store, size: int, limit: int | None) -> None:
        """`size` documents are read at a time, `limit` of each language kept."""
        self._split = store.split("heldout")
        if not len(self._split):
            msg = f"{store.path} has no held-out documents; raise [corpus] "
            msg += "heldout_tokens, and build the study again elsewhere"
            raise StudyError(msg)
        self._languages = store.languages
        self._bos = store.corpus_attributes()["bos_token_id"]
        self._size, self._limit = size, limit
        self._context = store.study.corpus.context
        self.n_tokens = sum(int(one.edited.sum()) for one in self)

    def __len__(self) -> int:
        """How many batches there are."""
        return -(-len(self._split) // self._size)

    def __iter__(self) -> Iterator[Batch]:
        """The batches, the same each time; one may have no documents."""
        seen: Counter[str] = Counter()
        for number in range(len(self)):
            block = self._split.block(number * self._size, self._size)
            language = [self._languages[one] for one in block.language]
            kept = []
            for row, name in enumerate(language):
                seen[name] += 1
                if self._limit is None or seen[name] <= self._limit:
                    kept.append(row)
            token_id, mask = with_bos(block, self._bos)
            documents = [block.first + row for row in kept]
            told = [language[row] for row in kept]
            yield Batch(documents, told, token_id[kept], mask[kept])


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
        """How many tokens there are room for."""
        return len(self._columns["norm"])

    def append(self, found: Encoded) -> None:
        """Add the tokens that come next."""
        rows = slice(self._filled, self._filled + len(found.norm))
        columns = (found.code.index, found.code.value, found.norm)
        for column, values in zip(self._columns.values(), columns, strict=True):
            column[rows] = values.cpu().numpy()
        self._filled = rows.stop

    def of(self, first: int, tokens: int) -> Encoded:
        """Some tokens, from the `first` on."""
        index, value, norm = (
            torch.from_numpy(np.array(column[first : first + tokens])).to(self._device)
            for column in self._columns.values()
        )
        return Encoded(Code(index.long(), value), norm)


@contextmanager
def encodings(folder: Path, tokens: int, sae: Autoencoder) -> Iterator[Encodings]:
    """Room in `folder` for the codes of so many tokens; gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as held:
        yield Encodings(Path(held), tokens, sae.k, sae.W_dec.device)


def encode_text(
    full: LanguageModel, sae: Autoencoder, cell: Cell, text: Heldout, codes: Encodings
) -> None:
    """Run the full model up to the layer, once over the text."""
    title = f"encode held-out text at {cell}"
    with bar(text.n_tokens, title, "tokens") as shown, at(cell):
        for batch in text:
            for part in batch.trimmed(full.device):
                token_id, mask, edited = part.token_id, part.mask, part.edited
                states = full.hidden_states(token_id, mask, [cell.layer])[cell.layer]
                codes.append(encoded(sae, states[edited.to(full.device)]))
                shown.update(int(edited.sum()))
