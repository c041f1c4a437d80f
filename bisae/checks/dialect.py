"""A SQLAlchemy dialect for DuckDB, with only what great-expectations needs.

The usual duckdb-engine rolls back when its connection is returned, which discards
results that are not fetched yet. Here the open connection belongs to the caller, and
this dialect neither ends transactions nor closes it.
"""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect

SCHEME = "bisae"
# No expectation computes with other types, such as lists, structs and enums.
TYPES: dict[str, type[types.TypeEngine[Any]]] = {
    "BOOLEAN": types.Boolean,
    "INTEGER": types.Integer,
    "BIGINT": types.BigInteger,
    "HUGEINT": types.BigInteger,
    "FLOAT": types.Float,
    "DOUBLE": types.Double,
    "VARCHAR": types.String,
}


class LentConnection:
    """A caller's connection that serves as its own cursor and cannot be closed.

    A cursor of DuckDB is another connection, which sees neither temporary nor
    registered tables.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> "LentConnection":
        """Return the connection itself."""
        return self

    def close(self) -> None:
        """Leave it open."""


class DuckDB(DefaultDialect):
    """Reads tables and views of the schema `main` of an open connection."""

    name = "duckdb"
    driver = "duckdb"
    supports_statement_cache = False
    supports_native_boolean = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the parts of a driver that SQLAlchemy reads."""
        return SimpleNamespace(paramstyle="qmark", Error=Exception)

    # -- transactions belong to the caller ------------------------------------

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin nothing."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit nothing."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Roll back nothing, which would drop rows that are not fetched yet."""

    # -- the columns of tables ------------------------------------------------

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[Any]:
        """Return the columns of a table or view, in order."""
        # Unlike information_schema, the pragma finds temporary tables first.
        cursor = connection.exec_driver_sql(
            'select name, type, not "notnull" from pragma_table_info(?)', (table_name,)
        )
        return [
            {
                "name": name,
                "type": TYPES.get(kind.split("(")[0], types.NullType)(),
                "nullable": nullable,
                "default": None,
            }
            for name, kind, nullable in cursor.fetchall()
        ]


def register() -> str:
    """Register the dialect with SQLAlchemy and return its URL."""
    registry.register(SCHEME, __name__, DuckDB.__name__)
    return f"{SCHEME}://"
