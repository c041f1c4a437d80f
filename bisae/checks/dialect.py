"""DuckDB as SQLAlchemy sees it: just what Great Expectations needs to read tables.

The usual duckdb-engine rolls back when its connection is handed back, which throws away
results that are not fetched yet. Here the live connection belongs to the caller:
transactions and closing are not this dialect's business.
"""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect

SCHEME = "bisae"
# Anything else (lists, structs, enums) is of no type that an expectation computes with.
TYPES: dict[str, type[types.TypeEngine[Any]]] = {
    "BOOLEAN": types.Boolean,
    "INTEGER": types.Integer,
    "BIGINT": types.BigInteger,
    "HUGEINT": types.BigInteger,
    "FLOAT": types.Float,
    "DOUBLE": types.Double,
    "VARCHAR": types.String,
}


class Lent:
    """A caller's connection that is its own cursor, and that nobody here can close.

    A cursor of DuckDB's is another connection: it sees no temporary table and nothing
    that was registered.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> "Lent":
        """The connection itself."""
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
        """What is asked of a driver: its parameters are `?`, any error is an error."""
        return SimpleNamespace(paramstyle="qmark", Error=Exception)

    # -- transactions belong to the caller ------------------------------------

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin nothing."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit nothing."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Roll back nothing: it would drop rows that are not fetched yet."""

    # -- what is there --------------------------------------------------------

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[Any]:
        """The columns of a table or view, in order."""
        # Unlike information_schema, it sees what a name means here: temporary first.
        found = connection.exec_driver_sql(
            'select name, type, not "notnull" from pragma_table_info(?)', (table_name,)
        )
        return [
            {
                "name": name,
                "type": TYPES.get(kind.split("(")[0], types.NullType)(),
                "nullable": nullable,
                "default": None,
            }
            for name, kind, nullable in found.fetchall()
        ]


def register() -> str:
    """Make the dialect known to SQLAlchemy; gives the URL that asks for it."""
    registry.register(SCHEME, __name__, DuckDB.__name__)
    return f"{SCHEME}://"
