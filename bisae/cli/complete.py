"""Completion in the SQL shell: tables, columns, also of an alias, and keywords."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

Columns = Mapping[str, Sequence[str]]


class SqlCompleter(Completer):
    """Completes the word at the cursor."""

    def __init__(self, columns: Columns, keywords: Iterable[str]) -> None:
        """`columns` maps each table to its columns."""
        self._columns = columns
        self._keywords = list(keywords)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield the words that may come next, in alphabetical order."""
        before = document.text_before_cursor
        start = re.search(r"\w*$", before)
        typed = start[0] if start else ""
        for word in sorted(set(self._words(before, document.text))):
            if word.lower().startswith(typed.lower()):
                yield Completion(word, -len(typed))

    def _words(self, before: str, whole: str) -> Iterator[str]:
        read = tables_read(whole)
        if owner := re.search(r"(\w+)\.\w*$", before):
            name = owner[1].lower()
            yield from self._columns.get(read.get(name, name), ())
        elif re.search(r"\b(from|join)\s+\w*$", before, re.IGNORECASE):
            yield from self._columns
        elif re.search(r"\w$", before):
            tables_named = [table for table in read.values() if table in self._columns]
            for table in tables_named or self._columns:
                yield from self._columns[table]
            yield from self._columns
            yield from self._keywords


def tables_read(query: str) -> dict[str, str]:
    """Return the tables that a query names so far, by alias and by name."""
    tables = re.findall(
        r"\b(?:from|join)\s+(\w+)(?:\s+as)?(?:\s+(\w+))?", query.lower()
    )
    return {alias: table for table, alias in tables if alias} | {
        table: table for table, _ in tables
    }
