"""A copy of the tiny store whose cell can be damaged, in real arrays and files."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import zarr

from bisae.encode.reencode import sampled_block
from bisae.grid import Cell
from bisae.query import connect
from bisae.store import Store, table_file

CELL = Cell("M", 5, 3)
Row = dict[str, Any]


def planted(table: str, where: str, change: str) -> str:
    """A change as SQL: `repeat` and `delete` rows, or what is set in them."""
    changes = {
        "repeat": f"insert into {table} from {table}",
        "delete": f"delete from {table}",
    }
    return f"{changes.get(change, f'update {table} set {change}')} where {where}"


class Copy:
    """A store to change, and what its cell was like before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        stored = store.stored_codes(CELL)
        slots = stored.slots(slice(0, stored.rows))
        self.feature, self.number, self.value = stored.feature, slots.index, slots.value
        self.n = store.study.sae.n_features
        self.width = store.study.corpus.context - 1
        query = f"select feature, max_value from features where {self.here}"
        with closing(connect(store, query=query)) as con:
            actual: Any = con.execute(query).fetchnumpy()
        floor = np.zeros(self.n)
        floor[actual["feature"]] = actual["max_value"].astype(float)
        self.floor = floor * store.study.features.firing_threshold

    @property
    def here(self) -> str:
        """The cell as a condition."""
        return f"(size, step, layer) = {(*CELL,)}"

    def quiet(self, *, sampled: bool = False) -> int:
        """A row where no feature fires, whichever of its values each had.

        It is among the tokens that are encoded again, or not.
        """
        floors = self.floor[self.feature[self.number]]
        fires = np.any(self.value[:, :1] > floors, axis=1)
        size = self.width * self.store.study.lm.batch_documents
        block = np.arange(len(self.value)) // size
        inside = block == sampled_block(self.store, CELL)
        distinct = np.all(self.value[:, :-1] > self.value[:, 1:] * 1.01, axis=1)
        return int(np.flatnonzero(~fires & distinct & (inside == sampled))[0])

    def firing(self) -> tuple[int, int, float]:
        """A row, the feature that is strongest there, and its value: it fires."""
        rank = self.value[:, 0] - self.floor[self.feature[self.number[:, 0]]]
        row = int(np.argmax(rank))
        return row, int(self.feature[self.number[row, 0]]), float(self.value[row, 0])

    def language(self, row: int) -> str:
        """The language of the document that a row is in."""
        index = self.store.array("corpus/eval/language")[row // self.width]
        return self.store.languages[int(index)]

    def token(self, row: int) -> int:
        """The token of a row."""
        location = divmod(row, self.width)
        return int(self.store.array("corpus/eval/token_id")[location])

    def write(self, path: str, values: Any) -> None:
        """Write an array of the cell anew."""
        self._write(f"cells/{CELL}/{path}", values)

    def write_codes(self) -> None:
        """Write the numbers and values as they are now."""
        self.write("codes/index", self.number)
        self.write("codes/value", self.value)

    def weight(self, name: str) -> Any:
        """A weight, to be written again."""
        return self.store.weights(CELL)[name]

    def _write(self, path: str, values: Any) -> None:
        array = zarr.open_array(str(self.store.zarr / path), mode="r+")
        if array.shape != values.shape:
            array.resize(values.shape)
        array[...] = values

    def text(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change an array of the evaluation text."""
        path = f"corpus/eval/{name}"
        self._write(path, change(self.store.array(path)[...]))

    def table(self, name: str, statement: str, cell: Cell | None = CELL) -> None:
        """Change the cell's rows of a table, or those of the study."""
        file = Path(str(table_file(self.store, name, cell)))
        with duckdb.connect() as con:
            con.execute(f"create table {name} as from read_parquet('{file}')")
            con.execute(statement)
            con.execute(f"copy {name} to '{file}' (format parquet)")
