"""The protocol between a query's process and its parent: frames of JSON or Arrow rows.

A frame cannot run code in its receiver: it holds data alone.
"""

import io
import json
import re
import struct
from collections.abc import Iterator
from enum import Enum
from threading import Lock
from typing import IO, Any, NamedTuple

import duckdb
import pyarrow as pa

import bisae.errors
from bisae.errors import BisaeError, SqlError

HEAD = struct.Struct("<cQ")
LARGEST = 64 * 2**20
"""The most bytes of rows in one frame: each side holds one frame at a time."""
OVERHEAD = 2**20
"""The most bytes of a frame that are not rows."""


class Kind(Enum):
    """The kind of a frame."""

    READY = b"o"
    PROGRESS = b"p"
    COLUMNS = b"c"
    ROWS = b"r"
    DONE = b"d"
    ERROR = b"e"


class Frame(NamedTuple):
    """One message from a query's process."""

    kind: Kind
    payload: bytes

    @property
    def content(self) -> Any:
        """The value of a JSON frame."""
        return json.loads(self.payload)

    @property
    def rows(self) -> pa.Table:
        """The rows of a frame of rows."""
        return pa.ipc.open_stream(self.payload).read_all()


class Piece(NamedTuple):
    """Some rows of an answer, as the worker sends them."""

    names: list[str]
    types: list[str]
    """DuckDB's types, since Arrow has no enum and no tuple."""
    table: pa.Table

    def relation(self, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
        """Return the rows as DuckDB would have returned them in this process."""
        columns = (
            f"#{number}{_cast(kind)} as {_quoted(name)}"
            for number, (name, kind) in enumerate(
                zip(self.names, self.types, strict=True), 1
            )
        )
        numbers = [str(number) for number in range(len(self.names))]  # names may repeat
        rows: duckdb.DuckDBPyRelation = con.from_arrow(
            self.table.rename_columns(numbers)
        )
        return rows.project(", ".join(columns))


def _cast(kind: str) -> str:
    """Return the cast to a type that Arrow lacks, "" for any other type."""
    return f"::{kind}" if re.search(r"\b(ENUM|TUPLE)\(", kind) else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# `pa.array` would import pandas.
NO_ROWS = Piece(
    ["Success"], ["BOOLEAN"], pa.table({"Success": pa.nulls(0, pa.bool_())})
)
"""DuckDB's result of a statement that has no rows."""


class FrameWriter:
    """The writing end of a pipe, which several threads share."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = Lock()

    def write(self, kind: Kind, content: object = None) -> None:
        """Send JSON, or bytes as they are."""
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        with self._lock:
            self._pipe.write(HEAD.pack(kind.value, len(content)))
            self._pipe.write(content)
            self._pipe.flush()


def read_frame(pipe: IO[bytes]) -> Frame | None:
    """Read the next frame; None if the other side has ended."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, size = HEAD.unpack(head)
    if size > LARGEST + OVERHEAD:
        return None  # not what we write
    payload = pipe.read(size)
    return Frame(Kind(kind), payload) if len(payload) == size else None


def encode_rows(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield the rows of a batch in frames of bounded size. Raises SqlError."""
    if batch.nbytes <= LARGEST:
        yield encode_batches(batch.schema, [batch])
    elif batch.num_rows == 1:
        msg = f"a row of the answer has {batch.nbytes / 2**20:,.0f} MiB, more than "
        msg += f"{LARGEST // 2**20}: select fewer columns, or parts of their values"
        raise SqlError(msg)
    else:
        half = batch.num_rows // 2
        yield from encode_rows(batch.slice(0, half))
        yield from encode_rows(batch.slice(half))


def encode_batches(schema: pa.Schema, batches: list[pa.RecordBatch]) -> bytes:
    """Return batches, or none of them, as Arrow's stream format."""
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return stream.getvalue()


def describe_error(error: BisaeError) -> dict[str, Any]:
    """Describe an error as JSON: its class, message, attributes and notes."""
    return {
        "class": type(error).__name__,
        "message": str(error),
        "notes": getattr(error, "__notes__", []),
        "parts": {k: v for k, v in vars(error).items() if k != "__notes__"},
    }


def restore_error(description: dict[str, Any]) -> BisaeError:
    """Return the error that `describe_error` described."""
    kind = getattr(bisae.errors, description["class"])
    if not issubclass(kind, BisaeError):
        kind = BisaeError
    parts = description["parts"]
    error: BisaeError = kind(**parts) if parts else kind(description["message"])
    for note in description["notes"]:
        error.add_note(note)
    return error
