"""DuckDB as SQLAlchemy sees it: just what Great Expectations needs to read tables.

The usual duckdb-engine rolls back when its connection is handed back, which throws away
results that are not fetched yet. Here the live connection belongs to the caller:
transactions and closing are his, and this dialect leaves both alone.
"""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import pool, types
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


class DuckDB(DefaultDialect):
    """Reads tables and views of the schema `main` of an open connection."""

    name = "duckdb"
    driver = "duckdb"
    default_paramstyle = "qmark"
    supports_statement_cache = False
    supports_native_boolean = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """What is asked of a driver: its parameters are `?`, any error is an error."""
        return SimpleNamespace(paramstyle="qmark", Error=Exception)

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:
        """One connection, the caller's, for everybody."""
        return pool.StaticPool

    # -- the connection belongs to the caller ---------------------------------

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin nothing."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit nothing."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Roll back nothing: it would drop rows that are not fetched yet."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Leave the connection open."""

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Leave the connection open."""

    # -- what is there --------------------------------------------------------

    def _get_server_version_info(self, connection: Any) -> None:
        return None

    def _get_default_schema_name(self, connection: Any) -> str:
        return "main"

    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Whether a table or view has columns here."""
        return bool(self.get_columns(connection, table_name, schema))

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
