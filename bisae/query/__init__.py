"""SQL over a store: the .sql files and the exported tables as one DuckDB database."""

from bisae.query.answer import Answer, Batches, Runner, write_parquet
from bisae.query.catalog import write_catalog
from bisae.query.create import Connection, create_views, schema
from bisae.query.database import (
    connect,
    database,
    exported_cells,
    missing_cells,
    open_tables,
    parquet_view,
    quoted,
)
from bisae.query.failure import explain_errors
from bisae.query.in_process import InProcess
from bisae.query.limits import limited_memory
from bisae.query.once import compute_once
from bisae.query.process import QueryProcess
from bisae.query.question import Parameters, Question, check_parameters, questions
from bisae.query.results import (
    COLUMNS,
    KEYWORDS,
    columns_of,
    describe,
    frame_of,
    rows_of,
)
from bisae.query.source import source_of
from bisae.query.tables import (
    Fill,
    address_columns,
    cell_provenances,
    make_cell_tables,
    make_tables,
    open_dependencies,
    stale_tables,
    view_provenance,
    write_tables,
    write_timings,
)
from bisae.query.views import (
    CODE_CHECKS,
    View,
    build_order,
    closure,
    read_check_views,
    read_often,
    read_view,
    read_views,
)
from bisae.query.watch import Watch
from bisae.query.weights import (
    Weights,
    compared_weights,
    findings_about,
    weight_messages,
    write_weights,
)

__all__ = [
    "CODE_CHECKS",
    "COLUMNS",
    "KEYWORDS",
    "Answer",
    "Batches",
    "Connection",
    "Fill",
    "InProcess",
    "Parameters",
    "QueryProcess",
    "Question",
    "Runner",
    "View",
    "Watch",
    "Weights",
    "address_columns",
    "build_order",
    "cell_provenances",
    "check_parameters",
    "closure",
    "columns_of",
    "compared_weights",
    "compute_once",
    "connect",
    "create_views",
    "database",
    "describe",
    "explain_errors",
    "exported_cells",
    "findings_about",
    "frame_of",
    "limited_memory",
    "make_cell_tables",
    "make_tables",
    "missing_cells",
    "open_dependencies",
    "open_tables",
    "parquet_view",
    "questions",
    "quoted",
    "read_check_views",
    "read_often",
    "read_view",
    "read_views",
    "rows_of",
    "schema",
    "source_of",
    "stale_tables",
    "view_provenance",
    "weight_messages",
    "write_catalog",
    "write_parquet",
    "write_tables",
    "write_timings",
    "write_weights",
]
