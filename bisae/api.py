"""The open store that `bisae.open` returns, which the commands use too."""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from bisae.grid import Cell, parse_cell
from bisae.query import Connection, QueryProcess, connect, frame_of, questions
from bisae.store import Array, Codes, Store, open_store

if TYPE_CHECKING:
    import pandas as pd


class OpenStore(Store):
    """A store that answers queries. A cell is a `Cell` or its address: "0.5M/900/2"."""

    def weights(self, cell: Cell | str) -> dict[str, Array]:
        """Read a cell's autoencoder: W_enc and W_dec (n, d), b_pre (d,), [b_enc (n,)].

        Row i of W_dec is the direction of feature i. Raises Unfinished, AddressError,
        and StoreError for a chunk that is damaged or lost.
        """
        return super().weights(_cell(cell))

    def codes(self, cell: Cell | str) -> Iterator[Codes]:
        """Yield a cell's codes in token order, some rows at a time.

        `index` (rows, k) has the features of each token, `value` their activations.
        Raises as `weights`.
        """
        return super().codes(_cell(cell))

    def connect(
        self,
        codes: Cell | str | None = None,
        *,
        fenced: bool = True,
        query: str | None = None,
    ) -> Connection:
        """Open a DuckDB connection with every table and view of the store.

        With `codes`, that cell's activations are the table `codes`. If `fenced`,
        queries can read the store and nothing else. With `query`, only the relations
        that it needs are created, which is faster. Raises Unfinished.
        """
        cell = _cell(codes) if codes else None
        return connect(self, cell, fenced=fenced, query=query)

    def sql(
        self,
        query: str,
        codes: Cell | str | None = None,
        *,
        timeout: float | None = None,
        memory: str | None = None,
    ) -> "pd.DataFrame":
        """Answer a query. Raises SqlError, naming the query's line.

        With a limit, `timeout` in seconds or `memory` such as "2GiB", it runs in a
        process that is killed at the limit, which raises TimedOut or OutOfMemory.
        """
        if timeout is None and memory is None:
            with closing(self.connect(codes, query=query)) as con:
                return frame_of(con, query)
        with self.query_process(
            codes, query=query, timeout=timeout, memory=memory
        ) as process:
            return [process.frame(question, {}) for question in questions(query)][-1]

    def query_process(
        self,
        codes: Cell | str | None = None,
        *,
        fenced: bool = True,
        query: str | None = None,
        timeout: float | None = None,
        memory: str | None = None,
        shows_progress: bool = False,
    ) -> QueryProcess:
        """Start a process for queries with limits, such as untrusted ones.

        The other arguments are as for `connect`. Raises SqlError.
        """
        return QueryProcess(
            str(self.path),
            _cell(codes) if codes else None,
            fenced=fenced,
            query=query,
            timeout=timeout,
            memory=memory,
            shows_progress=shows_progress,
        )


def open_for_asking(
    where: str | os.PathLike[str], *, trust_remote_code: bool = False
) -> OpenStore:
    """Open a store: a folder or an object store's URL. Raises StoreError."""
    store = open_store(where, trust_remote_code=trust_remote_code)
    return OpenStore(store.path, store.study)


def _cell(cell: Cell | str) -> Cell:
    return parse_cell(cell) if isinstance(cell, str) else cell
