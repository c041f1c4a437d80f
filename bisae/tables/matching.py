"""Match the features of two cells by the tokens on which they fire.

Reads the exported tables and the directions of both cells, and sql/matching; creates
the tables `feature_matches` and `matched_features` of the pair in a database.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bisae.grid import Cell
from bisae.query import (
    Connection,
    View,
    address_columns,
    create_views,
    parquet_view,
    schema,
)
from bisae.sae import seeded, start_cosines
from bisae.store import Store, table_file

TABLES = ("matched_features", "feature_matches")
CELL_TABLES = ("firings", "clusters", "features")
FIRINGS_AT_ONCE = 2**21
"""The firings of the first cell that are joined with the second cell's at once."""
COLLECTED = {
    "best_candidates": "all_candidates",
    "side_maxima": "all_maxima",
    "some_parts": "all_parts",
    "part_shares": "all_shares",
}
"""Views of some features, and the tables that collect their rows."""
Views = Mapping[str, View]


class Side(NamedTuple):
    """One of the two cells whose features are matched, and its store."""

    store: Store
    cell: Cell

    @property
    def name(self) -> str:
        """The seed of its autoencoder and its address, `seed/size/step/layer`."""
        return f"{self.store.study.sae.seed}/{self.cell}"

    @property
    def columns(self) -> str:
        """The same as columns of a SQL select, `seed_to` and so on."""
        seed = self.store.study.sae.seed
        return f"{seed}::bigint as seed_to, {address_columns(self.cell, '_to')}"


def match_features(con: Connection, first: Side, second: Side, views: Views) -> None:
    """Create the tables of a pair of cells, whose rows begin with the second cell."""
    with schema(con, "pair"):
        names = match_firings(con, views, _open_tables(con, first, second))
        _put_cosines(con, first, second)
        names |= {"start_cosines", "candidate_cosines"}
        create_views(con, views, names, keep=True)
        for name in TABLES:
            rows = f"select {second.columns}, * from {name}"
            con.execute(f"create table main.{name} as {rows}")


def match_firings(con: Connection, views: Views, tables: set[str]) -> set[str]:
    """Collect the candidates and maxima of two cells; return the names that exist.

    All pairs of features that share a firing are counted twice, the second time with
    the documents of the second cell permuted; some features at a time, of which only
    the best candidates and the maxima are kept. The schema `pair` is in use.
    """
    names = create_views(con, views, tables, keep=True)
    for is_permuted in (False, True):
        with schema(con, "pass"):
            con.execute(f"create table passes as select {is_permuted} as is_permuted")
            pass_names = create_views(con, views, names | {"passes"}, keep=True)
            if is_permuted:  # of the null only the maxima are kept
                pass_names |= {"best_candidates"}
            _match_groups(con, views, pass_names)
    return names | {*COLLECTED.values()}


def _open_tables(con: Connection, first: Side, second: Side) -> set[str]:
    """Create views of the tables of the text and of both cells; return their names."""
    names = {"settings", "tokens"}
    for name in names:
        parquet_view(con, name, [table_file(first.store, name)])
    for suffix, (store, cell) in (("from", first), ("to", second)):
        for table in CELL_TABLES:
            name, file = f"{table}_{suffix}", table_file(store, table, cell)
            parquet_view(con, name, [file], table=table)
            names |= {name}
    return names


def _match_groups(con: Connection, views: Views, names: set[str]) -> None:
    """Match one group of features after another, so that memory is bounded."""
    counted = con.execute("select count(*) from side_firings where not is_to")
    (n_firings,) = counted.fetchall()[0]
    n_groups = 1 + n_firings // FIRINGS_AT_ONCE
    for group in range(n_groups):
        _collect(
            con,
            views,
            names,
            some_firings="select feature, token_row from side_firings "
            f"where not is_to and feature % {n_groups} = {group}",
        )
    for group in range(n_groups):
        _collect(
            con,
            views,
            names,
            some_holders="select all_parts.* from all_parts semi join passes "
            f"using (is_permuted) where feature % {n_groups} = {group} "
            "qualify count(*) over (partition by is_to, feature) > 1",
        )


def _collect(con: Connection, views: Views, names: set[str], **inputs: str) -> None:
    """Compute the views that depend on tables of some features; collect their rows."""
    with schema(con, "part"):
        for name, select in inputs.items():
            con.execute(f"create table {name} as {select}")
        created = create_views(con, views, names | {*inputs}, keep=True)
        for name, table in COLLECTED.items():
            if name in created - names:
                rows = f"from {name}"
                empty = f"create table if not exists pair.{table} as {rows} limit 0"
                con.execute(empty)
                con.execute(f"insert into pair.{table} {rows}")


def _put_cosines(con: Connection, first: Side, second: Side) -> None:
    """Create the tables of cosines: of candidates, and with the random start."""
    starts = []
    for is_to, (store, cell) in enumerate((first, second)):
        d = store.attributes(cell, "sae")["d_model"]
        settings = seeded(store.study.sae, cell)
        cosines = start_cosines(store.weight_rows(cell, "W_dec"), settings, d)
        feature = np.arange(len(cosines), dtype=np.int32)
        columns = {"is_to": np.full(len(cosines), bool(is_to)), "feature": feature}
        starts.append(pa.table(columns | {"start_cosine": cosines}))
    con.register("start_cosines", pa.concat_tables(starts))
    query = "select feature, feature_to from all_candidates"
    pairs: Any = con.execute(query).fetchnumpy()
    cosine: Any = pa.nulls(len(pairs["feature"]), pa.float32())
    if first.cell.size == second.cell.size:
        cosine = _cosines(first, second, pairs["feature"], pairs["feature_to"])
    con.register("candidate_cosines", pa.table(pairs | {"cosine": cosine}))


def _cosines(
    first: Side, second: Side, feature: NDArray[Any], feature_to: NDArray[Any]
) -> NDArray[np.float32]:
    """Return the cosines of pairs of directions, (pairs,). Holds those of one cell."""
    directions = np.concatenate(list(first.store.weight_rows(first.cell, "W_dec")))
    order = np.argsort(feature_to)
    ordered = feature_to[order]
    cosines, n_before = np.empty(len(order), np.float32), 0
    for rows in second.store.weight_rows(second.cell, "W_dec"):
        ends = np.searchsorted(ordered, (n_before, n_before + len(rows)))
        pairs = order[slice(*ends)]
        a, b = directions[feature[pairs]], rows[feature_to[pairs] - n_before]
        cosines[pairs] = np.einsum("nd,nd->n", a, b)
        n_before += len(rows)
    return cosines
