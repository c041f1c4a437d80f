"""The store that `bisae.open` returns: what a reader needs, in Python or a notebook."""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bisae.grid import Cell, parse_cell
from bisae.notebook.grid import grid_html, grid_text
from bisae.query import Connection, QueryProcess, connect, describe, frame_of, questions
from bisae.store import Array, Codes, open_store
from bisae.study import Study

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from bisae.formats import Rows
    from bisae.notebook.chart import ChartType
    from bisae.notebook.examples import Examples


class OpenStore:
    """A store to query, draw and read. Nothing here writes to it.

    A notebook shows it as a table of its grid, with what is finished.

        store = bisae.open("toy/store")
        store.sql("from trends")                     # a pandas DataFrame
        store.figure("figure_layers", size="0.5M")   # an Altair chart
        store.examples("0.5M", 900, 2, feature=17)   # texts, shaded by activation
        store.weights("0.5M/900/2")["W_dec"]         # a NumPy array

    A cell is one size, step and layer, written "0.5M/900/2" or Cell("0.5M", 900, 2).
    `views()` lists everything that can be queried, `figures()` what can be drawn.
    """

    __slots__ = ("_store",)

    def __init__(
        self, path: str | os.PathLike[str], *, trust_remote_code: bool = False
    ) -> None:
        """Open a store, as `bisae.open` does."""
        self._store = open_store(path, trust_remote_code=trust_remote_code)

    def __repr__(self) -> str:
        return grid_text(self._store)

    def _repr_html_(self) -> str:
        return grid_html(self._store)

    @property
    def path(self) -> str:
        """The folder or URL of the store."""
        return str(self._store.path)

    @property
    def study(self) -> Study:
        """The study that the store was built from, with every default filled in."""
        return self._store.study

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the study."""
        return self._store.languages

    @property
    def cells(self) -> list[Cell]:
        """The cells of the grid, in the order in which they are built."""
        return self._store.cells

    def status(self) -> "pd.DataFrame":
        """Return, for each checkpoint, its finished layers, builder and failure."""
        from bisae.pipeline.status import as_rows, checkpoint_status

        return _frame(as_rows(checkpoint_status(self._store)))

    def views(self) -> "pd.DataFrame":
        """List every table and view: its name, title, grain and columns.

        The grain says what one row stands for. Raises Unfinished.
        """
        with closing(self.connect(fenced=False)) as con:
            return _frame(describe(con))

    def sql(
        self,
        query: str,
        codes: Cell | str | None = None,
        *,
        timeout: float | None = None,
        memory: str | None = None,
    ) -> "pd.DataFrame":
        """Answer a query with a pandas DataFrame. Raises SqlError, naming the line.

        With `codes`, the activations of that cell are the table `codes`. With a limit,
        `timeout` in seconds or `memory` such as "2GiB", the query runs in a process
        that is killed at the limit, which raises TimedOut or OutOfMemory.
        """
        if timeout is None and memory is None:
            with closing(self.connect(codes, query=query)) as con:
                return frame_of(con, query)
        with self.query_process(
            codes, query=query, timeout=timeout, memory=memory
        ) as process:
            return [process.frame(question, {}) for question in questions(query)][-1]

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
        return connect(self._store, _optional_cell(codes), fenced=fenced, query=query)

    def query_process(
        self,
        codes: Cell | str | None = None,
        *,
        fenced: bool = True,
        query: str | None = None,
        timeout: float | None = None,
        memory: str | None = None,
    ) -> QueryProcess:
        """Start a process for queries with limits, such as those of other people.

        The arguments are as for `connect` and `sql`. Raises SqlError.
        """
        return QueryProcess(
            self.path,
            _optional_cell(codes),
            fenced=fenced,
            query=query,
            timeout=timeout,
            memory=memory,
        )

    def figures(self) -> "pd.DataFrame":
        """List the figures that `figure` draws: name and title."""
        from bisae.formats import Rows
        from bisae.notebook.chart import figure_titles

        return _frame(Rows(["name", "title"], list(figure_titles().items())))

    def figure(self, name: str, **filters: Any) -> "ChartType":
        """Draw a figure of the report as an Altair chart, which can be changed.

        It shows the view of the same name. Filters select rows by columns of the view,
        by a value or a list of values: figure("figure_layers", size="0.5M", layer=[1,
        2]). `chart.save("figure.pdf")` writes it; SVG, PNG and HTML work likewise.
        Raises FigureError and Unfinished.
        """
        from bisae.notebook.chart import draw_chart

        return draw_chart(self._store, name, filters)

    def examples(
        self, size: str, step: int, layer: int, feature: int, n: int = 10
    ) -> "Examples":
        """Read the strongest firings of a feature in their context, at most 20.

        A notebook shows texts whose tokens are shaded by the feature's activation;
        `.frame` is a pandas DataFrame. Raises Unfinished and AddressError.
        """
        from bisae.notebook.examples import read_examples

        return read_examples(self._store, Cell(size, step, layer), feature, n)

    def weights(self, cell: Cell | str) -> dict[str, Array]:
        """Read a cell's autoencoder: W_enc and W_dec (n, d), b_pre (d,), [b_enc (n,)].

        Row i of W_dec is the direction of feature i. Raises Unfinished, AddressError,
        and StoreError for a chunk that is damaged or lost.
        """
        return self._store.weights(_cell(cell))

    def codes(self, cell: Cell | str) -> Iterator[Codes]:
        """Yield a cell's codes in token order, some rows at a time.

        `index` (rows, k) has the features of each token, `value` their activations.
        Raises as `weights`.
        """
        return self._store.codes(_cell(cell))

    def read_codes(self, cell: Cell | str) -> Iterator["pa.RecordBatch"]:
        """Stream a cell's activations as Arrow batches, in token order.

        Columns: token_row, feature, value, starts_run (false if the feature is active
        on the token before, too) and halvings (how often the row's k can be halved
        before it loses this code). Raises as `weights`.
        """
        return self._store.read_codes(_cell(cell))


def _cell(cell: Cell | str) -> Cell:
    return parse_cell(cell) if isinstance(cell, str) else cell


def _optional_cell(cell: Cell | str | None) -> Cell | None:
    return None if cell is None else _cell(cell)


def _frame(rows: "Rows") -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows.values, columns=rows.names)
