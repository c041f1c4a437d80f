"""One split of the corpus, read anywhere."""

from collections.abc import Sequence

from bisae.store.format import Node, reading
from bisae.store.records import Block


class Split:
    """The documents of a split; its arrays are opened once."""

    def __init__(self, where: str, columns: Sequence[Node]) -> None:
        self._where = where
        self._columns = columns

    def __len__(self) -> int:
        """How many documents there are."""
        return int(self._columns[0].shape[0])

    def block(self, first: int, size: int) -> Block:
        """`size` documents from the `first` on, fewer at the end."""
        rows = slice(first, min(first + size, len(self)))
        with reading(self._where):
            return Block(first, *(column[rows] for column in self._columns))
