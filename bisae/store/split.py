"""Random access to one split of the corpus."""

from collections.abc import Mapping

from bisae.errors import Damaged
from bisae.store.format import Node
from bisae.store.guard import REMEDY, read_rows
from bisae.store.records import Block


class Split:
    """The documents of a split, with its arrays opened once."""

    def __init__(
        self, name: str, where: str, columns: Mapping[str, Node], n_languages: int
    ) -> None:
        self.name = name
        self._where = where
        self._columns = columns
        self._n_languages = n_languages

    def __len__(self) -> int:
        """Return the number of documents."""
        return int(self._columns["language"].shape[0])

    def n_tokens(self) -> int:
        """Count the tokens of all documents. Raises Damaged."""
        rows = slice(0, len(self))
        return int(
            read_rows(self._columns["length"], f"{self._where}/length", rows).sum()
        )

    def block(self, first: int, size: int) -> Block:
        """Read `size` documents starting at `first`, fewer at the end.

        Raises Damaged, naming a chunk or the array of languages.
        """
        rows = slice(first, min(first + size, len(self)))
        arrays = {
            name: read_rows(column, f"{self._where}/{name}", rows)
            for name, column in self._columns.items()
        }
        if (arrays["language"] >= self._n_languages).any():
            where = f"{self._where}/language"
            reason = "a document has an unknown language"
            raise Damaged(where, reason, REMEDY)
        return Block(first, **arrays)
