"""An open store, for Python: what `bisae.open` gives, and what the commands use."""

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
    """A store to ask. A cell is a `Cell`, or its address: "0.5M/900/2"."""

    def weights(self, cell: Cell | str) -> dict[str, Array]:
        """A cell's autoencoder: W_enc, W_dec (n, d), b_pre (d,), perhaps b_enc (n,).

        Row i of W_dec is the direction of feature i. Raises Unfinished, AddressError,
        and StoreError for a chunk that is damaged or lost.
        """
        return super().weights(_cell(cell))

    def codes(self, cell: Cell | str) -> Iterator[Codes]:
        """A cell's codes in token order, some rows at a time. Raises as `weights`.

        Of each token, `index` (rows, k) has the features and `value` the activations.
        """
        return super().codes(_cell(cell))

    def connect(
        self,
        codes: Cell | str | None = None,
        *,
        fenced: bool = True,
        query: str | None = None,
    ) -> Connection:
        """A DuckDB connection with every table and view of the store.

        With `codes`, that cell's activations are the table `codes`. Unless `fenced` is
        off, queries read the store and touch nothing else. With `query`, only what that
        one needs is there, which is faster. Raises Unfinished.
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
        """Answer a query. Raises SqlError: one line, with the query's line.

        With a limit, `timeout` in seconds or `memory` such as "2GiB", it runs in a
        process that is killed there; then also raises TimedOut and OutOfMemory.
        """
        if timeout is None and memory is None:
            with closing(self.connect(codes, query=query)) as con:
                return frame_of(con, query)
        with self.query_process(
            codes, query=query, timeout=timeout, memory=memory
        ) as process:
            return [process.frame(one, {}) for one in questions(query)][-1]

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
        """A process for queries with limits, such as those of strangers.

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
    found = open_store(where, trust_remote_code=trust_remote_code)
    return OpenStore(found.path, found.study)


def _cell(cell: Cell | str) -> Cell:
    return parse_cell(cell) if isinstance(cell, str) else cell
