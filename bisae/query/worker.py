"""The program that a WorkerProcess runs: it answers queries of one store.

Reads requests from standard input, one line of JSON each: first the store and the
limits, then statements. Writes frames to standard output. It ends when standard input
does, so it never outlives its parent.
"""

import json
import os
import sys
from queue import SimpleQueue
from threading import Event, Thread
from time import sleep
from typing import Any

from bisae.errors import BisaeError, OutOfMemory, one_line
from bisae.files import any_path
from bisae.grid import Cell
from bisae.query.answer import ROWS_AT_ONCE
from bisae.query.create import Connection
from bisae.query.database import connect
from bisae.query.failure import explain_errors
from bisae.query.frames import (
    FrameWriter,
    Kind,
    describe_error,
    encode_batches,
    encode_rows,
)
from bisae.query.in_process import next_batch, relation_of
from bisae.query.limits import limit_memory
from bisae.query.question import Question, questions
from bisae.store import open_store

PROGRESS_EVERY = 0.2
"""Seconds between two reports of a query's progress."""


def main() -> None:
    """Open the store and answer until the parent sends null, or ends."""
    frames = FrameWriter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a library prints must not mix with the frames
    requests: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        con = open_database(**requests.get())
    except Exception as error:
        frames.write(Kind.ERROR, describe_error(_as_bisae_error(error)))
    else:
        frames.write(Kind.READY)
        _serve(con, frames, requests)
        con.close()
    os._exit(0)  # the system cleans up everything that the interpreter would


def _serve(con: Connection, frames: FrameWriter, requests: "SimpleQueue[Any]") -> None:
    """Answer one statement after another."""
    busy = Event()
    Thread(target=_report_progress, args=(con, frames, busy), daemon=True).start()
    while request := requests.get():
        busy.set()
        try:
            _answer(con, frames, **request)
        except Exception as error:
            frames.write(Kind.ERROR, describe_error(_as_bisae_error(error)))
        finally:
            busy.clear()


def _listen(requests: "SimpleQueue[Any]") -> None:
    """Pass requests on; when the parent ends, end this process, whatever it does."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)


def open_database(
    store: str, codes: list[Any] | None, memory: int, query: str | None, *, fenced: bool
) -> Connection:
    """Open a store; `memory` bytes limit this and the queries."""
    limit_memory(memory)
    return connect(
        open_store(any_path(store)),
        Cell(*codes) if codes else None,
        fenced=fenced,
        query=query,
        memory=f"{memory}B",
        lossless_arrow=True,
    )


def _answer(
    con: Connection,
    frames: FrameWriter,
    text: str,
    number: int,
    parameters: dict[str, Any] | None,
) -> None:
    """Run one statement of a text; send its columns and rows."""
    question = questions(text)[number]
    with explain_errors(lines=question.lines):
        if question.has_rows:
            _send_rows(con, frames, question, parameters)
        else:
            con.execute(question.statement, parameters)
    frames.write(Kind.DONE)


def _send_rows(
    con: Connection,
    frames: FrameWriter,
    question: Question,
    parameters: dict[str, Any] | None,
) -> None:
    """Send the columns, an empty table of their schema, and all rows."""
    result = relation_of(con, question, parameters)
    reader = result.to_arrow_reader(ROWS_AT_ONCE)
    names, types = result.columns, [str(kind) for kind in result.types]
    frames.write(Kind.COLUMNS, {"names": names, "types": types})
    frames.write(Kind.ROWS, encode_batches(reader.schema, []))
    while (batch := next_batch(reader)) is not None:
        for piece in encode_rows(batch):
            frames.write(Kind.ROWS, piece)


def _report_progress(con: Connection, frames: FrameWriter, busy: Event) -> None:
    while True:
        busy.wait()
        sleep(PROGRESS_EVERY)
        if busy.is_set() and (percent := con.query_progress()) > 0:
            frames.write(Kind.PROGRESS, percent)


def _as_bisae_error(error: Exception) -> BisaeError:
    if isinstance(error, BisaeError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory(one_line(error))
    return BisaeError(f"the query failed: {one_line(error)}")
