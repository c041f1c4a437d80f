"""What DuckDB says went wrong, as one line of ours: what, where, what to do."""

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
"""What DuckDB's Parquet reader says of the inside of a file, without its name."""
NESTED = (
    "the query is nested too deeply: create temporary tables of its inner queries first"
)
REMEDY = "`bisae verify` tells what is damaged; remove it, and `bisae export` again"


@contextmanager
def named(what: object = "", lines: int = 0) -> Iterator[None]:
    """Turn DuckDB's errors into one line that says what was being worked on.

    `lines` is how many are above the statement, where it is one of several.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise  # whoever stopped it knows
    except RecursionError as error:
        raise SqlError(f"{what}: {NESTED}" if what else NESTED) from error
    except duckdb.Error as error:
        told = explain(error, lines)
        raise _failure(error, f"{what}: " if what else "", told) from error


def _failure(error: duckdb.Error, what: str, told: str) -> BisaeError:
    """DuckDB's error as ours."""
    if trouble := _disk_trouble(str(error)):
        return StoreError(f"{what}{trouble}; what is finished is kept")
    if isinstance(error, duckdb.OutOfMemoryException):
        msg = f"{what}{told}; read fewer rows or columns, aggregate in steps, "
        return OutOfMemory(msg + "or join smaller tables")
    file = re.search(r"[Ff]ile ['\"](?:bisae://)?(\S+\.parquet)['\"](?:: )?(.*)", told)
    if file and not isinstance(error, duckdb.PermissionException):
        return Damaged(file[1], file[2] or told.partition(" file ")[0], REMEDY)
    if type(error) is duckdb.Error and SPOILED.search(told):
        return Damaged(f"{what}a table's file", told, REMEDY)
    return SqlError(what + told)


def _disk_trouble(text: str) -> str:
    """Return what the disk failed at, and what to do; "" if DuckDB met something else.

    DuckDB writes what does not fit the memory below the working folder, and to files
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
    """DuckDB's error in one line: what, and at which line of the query."""
    said = [line for line in str(error).splitlines() if line.strip()]
    if said[0].startswith("Traceback"):
        return said[-1].split(": ", 1)[-1]
    place = re.search(r"^LINE (\d+): (.*)$", str(error), re.MULTILINE)
    near = re.search(r"Did you mean (.*)|Candidate bindings: (.*)", str(error))
    hint = f"; nearest: {(near[1] or near[2]).rstrip('?')}" if near else ""
    where = f" (line {int(place[1]) + lines}: {place[2].strip()})" if place else ""
    if "Max expression depth" in said[0]:
        return f"{NESTED}{where}"
    first = said[0].partition(" Detail: Python exception")[0]
    return f"{first}{hint}{where}"
