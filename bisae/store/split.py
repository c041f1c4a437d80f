"""One split of the corpus, read anywhere."""

from collections.abc import Mapping

from bisae.errors import Damaged
from bisae.store.format import Node
from bisae.store.guard import REMEDY, read_rows
from bisae.store.records import Block


class Split:
    """The documents of a split; its arrays are opened once."""

    def __init__(
        self, where: str, columns: Mapping[str, Node], n_languages: int
    ) -> None:
        self._where = where
        self._columns = columns
        self._n_languages = n_languages

    def __len__(self) -> int:
        """How many documents there are."""
        return int(self._columns["language"].shape[0])

    def block(self, first: int, size: int) -> Block:
        """`size` documents from the `first` on, fewer at the end.

        Raises Damaged, naming what is: a chunk, or the languages.
        """
        rows = slice(first, min(first + size, len(self)))
        found = {
            name: read_rows(column, f"{self._where}/{name}", rows)
            for name, column in self._columns.items()
        }
        if (found["language"] >= self._n_languages).any():
            where = f"{self._where}/language"
            reason = "a document has a language that there is not"
            raise Damaged(where, reason, REMEDY)
        return Block(first, **found)
