"""The paper's tables 2 and 3, of the tiny study."""

import pytest

from bisae.query import Connection
from support.reference import mean
from support.rows import by_key, rows_of

CELL = ("size", "step", "layer")


# -- tables 2 and 3 -------------------------------------------------------------------


def test_table_2_is_the_best_rate_of_each_size(con: Connection) -> None:
    tried = rows_of(con, "from lr_search")
    sizes = {row["size"]: row["n_params"] for row in rows_of(con, "from cells")}
    actual = rows_of(con, "from table_2")
    assert [row["size"] for row in actual] == sorted(sizes, key=lambda one: sizes[one])
    for row in actual:
        local = [one for one in tried if one["size"] == row["size"]]
        best = min(local, key=lambda one: (one["mse"], one["lr"]))
        for name in (*CELL, "lr", "mse"):
            assert row[name] == best[name]
        assert (row["n_rates"], row["n_params"]) == (len(local), sizes[row["size"]])


def test_table_3_is_the_time_of_each_size(con: Connection) -> None:
    cells = rows_of(con, "from cells join timings using (size, step, layer)")
    for row in rows_of(con, "from table_3"):
        local = [item for item in cells if item["size"] == row["size"]]
        seconds = [item["train_seconds"] for item in local]
        assert row["n_cells"] == len(local)
        assert row["train_seconds"] == pytest.approx(mean(seconds), abs=1e-9)
        assert row["train_seconds_total"] == pytest.approx(sum(seconds), abs=1e-8)
        assert row["train_seconds_least"] == min(seconds)
        assert row["train_seconds_most"] == max(seconds)
        buffers = [item["buffer_tokens"] for item in local]
        assert row["buffer_tokens_least"] == min(buffers)
        assert row["buffer_tokens_most"] == max(buffers)


def test_each_size_stands_once_in_its_order(con: Connection) -> None:
    actual = rows_of(con, "from table_3")
    assert list(by_key(actual, ["size"])) == [("S",), ("M",)]
