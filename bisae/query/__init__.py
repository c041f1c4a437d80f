"""SQL over a store: the .sql files and the exported tables as one DuckDB database."""

from bisae.query.answer import Answer, Batches, Runner, write_parquet
from bisae.query.ask import (
    COLUMNS,
    KEYWORDS,
    columns_of,
    describe,
    frame_of,
    rows_of,
)
from bisae.query.catalog import write_catalog
from bisae.query.database import (
    CELL_TABLES,
    FOLD_TABLES,
    SEARCH_TABLE,
    STUDY_TABLES,
    VARIANT_TABLES,
    Connection,
    connect,
    create_views,
    database,
    exported_cells,
    missing_cells,
    open_tables,
    parquet_view,
    quoted,
    schema,
    table_file,
)
from bisae.query.failure import named
from bisae.query.in_process import InProcess
from bisae.query.limits import limited_memory
from bisae.query.process import QueryProcess
from bisae.query.question import Parameters, Question, check_parameters, questions
from bisae.query.tables import (
    Made,
    addressed,
    digest,
    footer,
    is_current,
    made_by,
    write_table,
)
from bisae.query.views import (
    View,
    build_order,
    closure,
    header,
    read_view,
    read_views,
)
from bisae.query.watch import Watch

__all__ = [
    "CELL_TABLES",
    "COLUMNS",
    "FOLD_TABLES",
    "KEYWORDS",
    "SEARCH_TABLE",
    "STUDY_TABLES",
    "VARIANT_TABLES",
    "Answer",
    "Batches",
    "Connection",
    "InProcess",
    "Made",
    "Parameters",
    "QueryProcess",
    "Question",
    "Runner",
    "View",
    "Watch",
    "addressed",
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
    "header",
    "is_current",
    "limited_memory",
    "made_by",
    "missing_cells",
    "named",
    "open_tables",
    "parquet_view",
    "questions",
    "quoted",
    "read_view",
    "read_views",
    "rows_of",
    "schema",
    "table_file",
    "write_catalog",
    "write_parquet",
    "write_table",
]
