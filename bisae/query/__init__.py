"""SQL over a store: the .sql files and the exported tables as one DuckDB database."""

from bisae.query.ask import columns_of, describe, frame_of, keywords, rows_of
from bisae.query.catalog import write_catalog
from bisae.query.database import (
    CELL_TABLES,
    FOLD_TABLES,
    SEARCH_TABLE,
    STUDY_TABLES,
    Connection,
    connect,
    create_views,
    database,
    exported_cells,
    missing_cells,
    parquet_view,
    quoted,
    table_file,
    table_views,
)
from bisae.query.failure import named
from bisae.query.question import (
    Answer,
    Parameters,
    Question,
    answer,
    check_parameters,
    questions,
    write_parquet,
)
from bisae.query.tables import Made, digest, footer, is_current, made_by, write_table
from bisae.query.views import View, build_order, closure, read_view, read_views
from bisae.query.watch import Watch

__all__ = [
    "CELL_TABLES",
    "FOLD_TABLES",
    "SEARCH_TABLE",
    "STUDY_TABLES",
    "Answer",
    "Connection",
    "Made",
    "Parameters",
    "Question",
    "View",
    "Watch",
    "answer",
    "build_order",
    "check_parameters",
    "closure",
    "columns_of",
    "connect",
    "create_views",
    "database",
    "describe",
    "digest",
    "exported_cells",
    "footer",
    "frame_of",
    "is_current",
    "keywords",
    "made_by",
    "missing_cells",
    "named",
    "parquet_view",
    "questions",
    "quoted",
    "read_view",
    "read_views",
    "rows_of",
    "table_file",
    "table_views",
    "write_catalog",
    "write_parquet",
    "write_table",
]
