"""Stream documents from files, or from the hub through `datasets`.

A document and its key are the strings in the source. Only bytes are converted, by
decoding them, and keys that are whole numbers.
"""

import zlib
from collections.abc import Iterator, Sequence
from logging import CRITICAL
from typing import Any, NamedTuple

from bisae.corpus.files import Row, list_files, read_rows
from bisae.errors import CorpusError
from bisae.study import Source


class Document(NamedTuple):
    """A text and the key that it shares with its translations."""

    text: str
    key: str


def read_documents(source: Source, key: str | None = None) -> Iterator[Document]:
    """Stream a source's documents.

    Raises CorpusError: a file is missing, is not UTF-8, or lacks a field; a text is
    not a string, or a key neither a string nor a whole number.
    """
    is_empty = True
    fields = [source.field] if key is None else [source.field, key]
    for name, rows in _tables(source, fields):
        for number, row in enumerate(_explain_errors(rows, name), 1):
            is_empty = False
            where = f"{name}: document {number}"
            text = _string(_value(row, source.field, name), source.field, where)
            yield Document(text, "" if key is None else _key(row, key, name, where))
    if is_empty:
        msg = f"{source.name} is empty"
        raise CorpusError(msg)


def _tables(
    source: Source, fields: Sequence[str]
) -> Iterator[tuple[str, Iterator[Row]]]:
    """Yield the rows of each file, or of the data set, with its name for messages."""
    if source.dataset:
        yield source.dataset, _dataset_rows(source)
        return
    for file in list_files(source):
        yield str(file), read_rows(file, source, fields)


def _dataset_rows(source: Source) -> Iterator[Row]:
    """Stream the rows of a data set of the hub. Raises ValueError."""
    from datasets import config, disable_progress_bars, load_dataset
    from datasets.exceptions import DatasetsError
    from datasets.utils.logging import set_verbosity

    config.HF_UPDATE_DOWNLOAD_COUNTS = False  # it would report local folders to the hub
    disable_progress_bars()
    set_verbosity(CRITICAL)  # what it logs, it also raises
    assert source.dataset
    try:
        yield from load_dataset(
            source.dataset,
            source.dataset_config,
            split=source.dataset_split,
            streaming=True,
        )
    except (DatasetsError, TypeError) as error:  # TypeError: a column changes its type
        raise ValueError(str(error.__cause__ or error)) from error


def _explain_errors(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """Pass rows on, and turn any failure into a CorpusError that names the source."""
    from pyarrow import ArrowException

    broken = (OSError, ValueError, EOFError, zlib.error, ArrowException)
    try:
        yield from rows
    except CorpusError:
        raise
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 ({error.reason}); convert it"
        raise CorpusError(msg) from error
    except broken as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        msg = f"{name} cannot be read: {reason}"
        raise CorpusError(msg) from error


def _value(row: Row, field: str, name: str) -> Any:
    """Return a field's value; a dot leads into nested fields. Raises CorpusError."""
    value: Any = row
    for name_part in [field] if field in row else field.split("."):
        value = value.get(name_part) if isinstance(value, dict) else None
    if value is None:
        present = ", ".join(k for k, v in row.items() if v is not None) or "nothing"
        msg = f"{name} has a document without the field {field!r} (it has {present})"
        raise CorpusError(msg)
    return value


def _key(row: Row, field: str, name: str, where: str) -> str:
    value = _value(row, field, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value, field, where)


def _string(value: Any, field: str, where: str) -> str:
    """Return a string unchanged, or bytes decoded. Raises CorpusError for any other."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            msg = f"{where}: {field!r} is not UTF-8 ({error.reason}); convert it"
            raise CorpusError(msg) from error
    if not isinstance(value, str):
        msg = f"{where}: {field!r} is of type {type(value).__name__} "
        msg += f"({value!s:.40}); write it as a string"
        raise CorpusError(msg)
    if not value.isascii() and not _is_unicode(value):
        msg = (
            f"{where}: {field!r} has half a surrogate pair, which UTF-8 cannot encode; "
        )
        msg += "write the whole character"
        raise CorpusError(msg)
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
