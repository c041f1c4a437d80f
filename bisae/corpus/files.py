"""Read rows of text files: JSON Lines, Parquet or plain text, also gzipped.

Reads only the requested fields, and does not convert their values.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from glob import glob
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from bisae.errors import CorpusError
from bisae.study import Source

KINDS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".txt": "text"}
PARQUET_ROWS = 128
"""Rows of a Parquet file that are decoded at once; a document may be long."""

Row = dict[str, Any]


def list_files(source: Source) -> list[Path]:
    """List a source's files, those matching a pattern sorted by name.

    Raises CorpusError for a missing file and for a file that is not text.
    """
    files = [file for pattern in source.files for file in _matches(pattern)]
    for file in files:
        if kind(file) is None:
            msg = f"{file}: text files end in {', '.join(KINDS)} (and .gz)"
            raise CorpusError(msg)
        if source.document == "file" and kind(file) != "text":
            msg = f'{file}: document = "file" is for .txt files; leave it out'
            raise CorpusError(msg)
    return files


def kind(file: Path) -> str | None:
    """Return a file's format by its suffix: json, parquet or text; None if unknown."""
    return KINDS.get(Path(file.name.lower().removesuffix(".gz")).suffix)


def read_rows(file: Path, source: Source, fields: Iterable[str]) -> Iterator[Row]:
    """Stream a file's rows. Raises CorpusError for a row that is not JSON."""
    is_gzip = file.name.lower().endswith(".gz")
    with file.open("rb") as raw:
        content = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_gzip else raw
        match kind(file):
            case "parquet":
                yield from _parquet_rows(content, fields)
            case "json":
                yield from _json_rows(_decoded(content), file)
            case _:
                text = _decoded(content)
                lines = [text.read()] if source.document == "file" else _lines(text)
                yield from ({"text": line} for line in lines)


def _matches(pattern: str) -> list[Path]:
    """Return the file with exactly this name, else the files matching the pattern."""
    path = Path(pattern)
    if path.is_dir():
        ends = (file.suffix for file in sorted(path.rglob("*")) if kind(file))
        msg = f"{path} is a folder; give a pattern for its files, such as "
        msg += f"{path}/**/*{next(ends, '.jsonl')}"
        raise CorpusError(msg)
    matches = [path] if path.exists() else map(Path, glob(pattern, recursive=True))  # noqa: PTH207 - the folder may be any
    files = sorted(file for file in matches if file.is_file())
    if not files:
        msg = f"no text file {pattern}"
        raise CorpusError(msg)
    return files


def _decoded(content: BinaryIO) -> TextIOWrapper:
    """Decode UTF-8, with or without a byte-order mark; only a line feed ends a line."""
    return TextIOWrapper(content, encoding="utf-8-sig", newline="\n")


def _lines(text: Iterable[str]) -> Iterator[str]:
    return (line.removesuffix("\n").removesuffix("\r") for line in text)


def _json_rows(text: TextIOWrapper, file: Path) -> Iterator[Row]:
    """Stream the objects of JSON Lines, or of a single array, which is read whole."""
    first = next(text, "")
    if first.lstrip().startswith("["):
        yield from _objects(_parsed(first + text.read(), f"{file}"), file)
        return
    for number, line in enumerate(chain([first], text), 1):
        if not line.isspace() and line:
            yield from _objects([_parsed(line, f"{file} line {number}")], file)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not JSON ({error}); write one object per line"
        raise CorpusError(msg) from error


def _objects(values: list[Any], file: Path) -> Iterator[Row]:
    for value in values:
        if not isinstance(value, dict):
            msg = f"{file} has a {type(value).__name__} where an object with the "
            msg += "document's field is needed"
            raise CorpusError(msg)
        yield value


def _parquet_rows(content: BinaryIO, fields: Iterable[str]) -> Iterator[Row]:
    """Stream the columns of `fields`, or all if one is missing, to report them."""
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(content)
    names = file.schema_arrow.names
    columns = {name if name in names else name.partition(".")[0] for name in fields}
    selected = sorted(columns) if columns <= set(names) else None
    for batch in file.iter_batches(PARQUET_ROWS, columns=selected):
        yield from batch.to_pylist()
