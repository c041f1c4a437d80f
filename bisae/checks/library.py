"""great-expectations over an open DuckDB connection, imported when it is first asked.

Reads the tables and views of the connection; creates temporary tables on it.
"""

from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from bisae.checks.dialect import LentConnection, register
from bisae.checks.materialize import MOST_ROWS, materialized, tables_in
from bisae.query import Connection


class Library:
    """The library's view of a connection."""

    def __init__(self, con: Connection) -> None:
        self._con = con
        self._tables = tables_in(con)

    def batch(self, table: str) -> Any:
        """Return the library's batch: a whole table or view.

        A query for rows names the tables it reads, so one batch serves all checks that
        are views: for each new one the library takes 50 ms to write its configuration.
        """
        for asset in self._source.assets:
            if asset.name == table:
                return asset.batch_definitions[0].get_batch()
        with self.materialized(table, 0):  # the library reads a row of it
            asset = self._source.add_table_asset(table, table_name=table)
        return asset.add_batch_definition_whole_table("all").get_batch()

    def materialized(
        self, view: str, most: int = MOST_ROWS
    ) -> AbstractContextManager[None]:
        """Turn rows of a view into a table within the block, unless it is one."""
        return materialized(self._con, view, self._tables, most)

    @cached_property
    def _source(self) -> Any:
        import great_expectations as gx

        library: Any = gx.get_context(mode="ephemeral")
        library.variables.progress_bars = {"globally": False}
        return library.data_sources.add_sql(
            "duckdb",
            connection_string=register(),
            kwargs={"creator": lambda: LentConnection(self._con)},
        )

    def close(self) -> None:
        """Let go of the connection.

        Otherwise it is held until the interpreter ends, where DuckDB reports an error.
        """
        if "_source" in self.__dict__:
            from great_expectations.data_context.data_context.context_factory import (
                project_manager,
            )

            project_manager.set_project(None)
