"""DuckDB's errors as one line: what went wrong, where, and what to do."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from bisae.disk import target_of
from bisae.disk_errors import LOST, REMEDIES
from bisae.errors import BisaeError, Damaged, OutOfMemory, SqlError, StoreError

SPOILED = re.compile("orrupt|don't know what type|TProtocol|Invalid data")
"""Messages of DuckDB's Parquet reader about a damaged file, which do not name it."""
NESTED = (
    "the query is nested too deeply: create temporary tables of its inner queries first"
)
REMEDY = "`bisae verify` lists what is damaged; remove it, and `bisae export` again"


@contextmanager
def explain_errors(context: object = "", lines: int = 0) -> Iterator[None]:
    """Turn DuckDB's errors into one line that begins with `context`.

    `lines` is the number of lines above the statement, if it is one of several.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise  # the caller stopped it
    except RecursionError as error:
        raise SqlError(f"{context}: {NESTED}" if context else NESTED) from error
    except duckdb.Error as error:
        message = explain(error, lines)
        raise _bisae_error(error, f"{context}: " if context else "", message) from error


def _bisae_error(error: duckdb.Error, context: str, message: str) -> BisaeError:
    """Turn DuckDB's error into one of bisae's."""
    if trouble := _disk_trouble(str(error)):
        return StoreError(f"{context}{trouble}; what is finished is kept")
    if isinstance(error, duckdb.OutOfMemoryException):
        msg = f"{context}{message}; read fewer rows or columns, aggregate in steps, "
        return OutOfMemory(msg + "or join smaller tables")
    file = re.search(
        r"[Ff]ile ['\"](?:bisae://)?(\S+\.parquet)['\"](?:: )?(.*)", message
    )
    if file and not isinstance(error, duckdb.PermissionException):
        return Damaged(file[1], file[2] or message.partition(" file ")[0], REMEDY)
    if type(error) is duckdb.Error and SPOILED.search(message):
        return Damaged(f"{context}a table's file", message, REMEDY)
    return SqlError(context + message)


def _disk_trouble(text: str) -> str:
    """Describe a failure of the disk and what to do; "" for any other error.

    DuckDB spills to the working folder what does not fit in memory, and writes files
    under temporary names.
    """
    if "max_temp_directory_size" in text:
        return (
            f"neither the memory nor the disk of {Path.cwd()} has room for what is "
            "computed; make room, or run in a folder with more"
        )
    for number, remedy in (REMEDIES | LOST).items():
        if f": {os.strerror(number)}" in text:
            path = re.search(r'file \\*"([^"\\]+)', text)
            file = Path(path[1]) if path else Path("a file")
            file = file.with_name(target_of(file.name))
            return f"{file}: {os.strerror(number)}; {remedy}"
    return ""


def explain(error: duckdb.Error, lines: int = 0) -> str:
    """Return DuckDB's error as one line, with the line of the query."""
    lines_of_error = [line for line in str(error).splitlines() if line.strip()]
    if lines_of_error[0].startswith("Traceback"):
        return lines_of_error[-1].split(": ", 1)[-1]
    position = re.search(r"^LINE (\d+): (.*)$", str(error), re.MULTILINE)
    match = re.search(r"Did you mean (.*)|Candidate bindings: (.*)", str(error))
    hint = f"; nearest: {(match[1] or match[2]).rstrip('?')}" if match else ""
    where = (
        f" (line {int(position[1]) + lines}: {position[2].strip()})" if position else ""
    )
    if "Max expression depth" in lines_of_error[0]:
        return f"{NESTED}{where}"
    first = lines_of_error[0].partition(" Detail: Python exception")[0]
    return f"{first}{hint}{where}"
