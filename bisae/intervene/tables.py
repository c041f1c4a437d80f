"""The tables of steered losses: by document, by setting, and compared.

Reads every batch's losses; writes the tables of the mid-training model's cell.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from bisae.files import any_path
from bisae.intervene.plan import Plan
from bisae.query import (
    Connection,
    closure,
    create_views,
    database,
    parquet_view,
    read_views,
    stale_tables,
    view_provenance,
    write_tables,
)
from bisae.store import Provenance, Store

TABLES = (
    "intervention_losses",
    "interventions",
    "intervention_intervals",
    "intervention_contrasts",
)


def unmeasured(store: Store, plan: Plan) -> dict[str, Provenance]:
    """Return the provenance of each table that is not current.

    If all are current, no model needs to be opened.
    """
    views = read_views("intervention")
    provenances = {
        name: {
            **plan.identity,
            "settings": plan.settings,
            **view_provenance(views, name, {}),
        }
        for name in TABLES
    }
    return stale_tables(store, provenances, plan.mid)


def write_measured(
    store: Store, plan: Plan, provenances: Mapping[str, Provenance], folder: Path
) -> None:
    """Write the tables from a folder of measured batches."""
    all_views = read_views("intervention")
    views = {view.name: view for name in TABLES for view in closure(all_views, name)}
    with closing(database()) as con:
        create_views(con, views, _open_measured(con, plan, folder), keep=True)
        write_tables(con, store, provenances, plan.mid)


def _open_measured(con: Connection, plan: Plan, folder: Path) -> set[str]:
    """Create the tables that sql/intervention reads; return their names."""
    parquet_view(
        con, "measured", [any_path(file) for file in sorted(folder.glob("*.parquet"))]
    )
    settings = pa.Table.from_pylist([setting._asdict() for setting in plan.settings])
    con.register("wanted", settings)
    pools = {"added": [*plan.pools], "n_features": [*plan.pools.values()]}
    con.register("pools", pa.table(pools))
    con.execute(
        f"create table models as select {plan.full.step}::bigint as full_step, "
        f"{plan.section.b_pre} as b_pre"
    )
    return {"measured", "wanted", "pools", "models"}
