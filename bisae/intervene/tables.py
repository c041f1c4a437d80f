"""The tables `intervention_losses`, `interventions` and `intervention_intervals`.

Reads every batch's losses; writes the tables of the mid-training model's cell.
"""

from contextlib import closing
from pathlib import Path

import pyarrow as pa

from bisae.files import place
from bisae.intervene.plan import Plan
from bisae.query import (
    Connection,
    Made,
    closure,
    create_views,
    database,
    is_current,
    made_by,
    parquet_view,
    read_views,
    table_file,
    write_table,
)
from bisae.store import Store

COMPUTED_ONCE = frozenset({"intervention_losses", "drawn_documents"})
TABLES = ("intervention_losses", "interventions", "intervention_intervals")
REPLICATES = 200
"""Of the paired bootstrap over documents."""


def is_measured(store: Store, plan: Plan) -> bool:
    """Whether all tables are there, of these settings: no model need be opened."""
    return all(
        is_current(table_file(store, name, plan.mid), made)
        for name, made in _made(plan).items()
    )


def _made(plan: Plan) -> dict[str, Made]:
    """What each table is made from."""
    views = read_views("bootstrap", "intervention")
    same = plan.identity | {"settings": plan.settings, "replicates": REPLICATES}
    return {name: {**same, **made_by(views, name, {})} for name in TABLES}


def write_tables(store: Store, plan: Plan, folder: Path) -> None:
    """Write all tables from the batches in a folder."""
    every = read_views("bootstrap", "intervention")
    views = {view.name: view for name in TABLES for view in closure(every, name)}
    with closing(database()) as con:
        base = _open_measured(con, plan, folder)
        create_views(con, views, base, COMPUTED_ONCE)
        for name, made in _made(plan).items():
            write_table(con, store, name, made, plan.mid)


def _open_measured(con: Connection, plan: Plan, folder: Path) -> set[str]:
    """The tables that sql/intervention reads."""
    parquet_view(
        con, "measured", [place(file) for file in sorted(folder.glob("*.parquet"))]
    )
    wanted = pa.Table.from_pylist([one._asdict() for one in plan.settings])
    con.register("wanted", wanted)
    con.execute("create table documents as select distinct document from measured")
    con.execute(
        f"create table draws as select {plan.asked.seed}::bigint as seed, "
        f"range::integer as replicate from range({REPLICATES})"
    )
    con.execute(
        f"create table models as select {plan.full.step}::bigint as full_step, "
        f"{plan.asked.b_pre} as b_pre"
    )
    return {"measured", "wanted", "documents", "draws", "models"}
