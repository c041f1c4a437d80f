"""SQL over a store: the .sql files and the exported tables as one DuckDB database."""

from bisae.query.ask import describe, rows_of, words, write_parquet
from bisae.query.database import (
    CELL_TABLES,
    STUDY_TABLES,
    Connection,
    connect,
    create_views,
    database,
    explain,
    exported_cells,
    missing_cells,
    named,
    parquet_view,
    quoted,
    table_file,
)
from bisae.query.views import View, build_order, closure, read_view, read_views

__all__ = [
    "CELL_TABLES",
    "STUDY_TABLES",
    "Connection",
    "View",
    "build_order",
    "closure",
    "connect",
    "create_views",
    "database",
    "describe",
    "explain",
    "exported_cells",
    "missing_cells",
    "named",
    "parquet_view",
    "quoted",
    "read_view",
    "read_views",
    "rows_of",
    "table_file",
    "words",
    "write_parquet",
]
