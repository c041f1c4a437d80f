"""Read zarr.json, limited in size and checked before it is used.

Reads the metadata of groups and arrays. A store may come from anybody: a shape of 10^12
rows, a chunk of one value or a foreign codec is an error here, not later.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bisae.errors import StoreError
from bisae.files import AnyPath, read
from bisae.store.attributes import FORMATS, problem_of
from bisae.store.layout import LAYOUT
from bisae.study import WIDEST

Document = dict[str, Any]
MOST_ROWS = 2**40
LEAST_CHUNK, LARGEST_CHUNK = 256, 2**29
"""Values, unless the array is smaller, as every chunk costs time; bytes."""
CODECS = {"bytes", "zstd", "crc32c", "numcodecs.pcodec", "sharding_indexed"}
ARRAY_KEYS = {"shape", "data_type", "chunk_grid", "codecs"}


def read_document(file: AnyPath) -> Document:
    """Read a zarr.json. Raises FileNotFoundError, NotADirectoryError, StoreError."""
    try:
        document = json.loads(read(file))
        if document["zarr_format"] != 3:
            raise ValueError
        if not isinstance(document.get("attributes", {}), dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(file, "it is not Zarr 3 metadata") from error
    return dict(document)


def group_attributes(file: AnyPath) -> dict[str, Any]:
    """Read a group's attributes, and check those of a part marked `complete`.

    Raises what `read_document` raises.
    """
    document = read_document(file)
    if document.get("node_type") != "group" or "attributes" not in document:
        raise damaged(file, "it does not describe a group")
    attributes: dict[str, Any] = document["attributes"]
    part_name = file.parent.name
    is_finished = part_name in FORMATS and "complete" in attributes
    if is_finished and (problem := problem_of(part_name, attributes)):
        raise damaged(file, problem)
    return attributes


def array_document(file: AnyPath) -> Document:
    """Read and check an array's metadata. Raises what `read_document` raises."""
    document = read_document(file)
    if document.get("node_type") != "array" or not document.keys() >= ARRAY_KEYS:
        raise damaged(file, "it does not describe an array")
    spec = LAYOUT["array"].get(file.parent.name)
    if spec is None:
        raise damaged(file, "the format has no such array")
    try:
        problem = _problem_of_array(document, spec)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise damaged(file, "its chunks are described in an unknown way") from error
    if problem:
        raise damaged(file, problem)
    return document


def damaged(file: AnyPath, reason: str) -> StoreError:
    """Return the error for metadata that cannot be trusted."""
    msg = f"{file} is damaged: {reason}; `bisae verify` lists all damage"
    return StoreError(msg)


def _problem_of_array(document: Document, spec: dict[str, Any]) -> str:
    shape, dtype = document["shape"], document["data_type"]
    if dtype not in (spec["dtype"], spec.get("wide_dtype")):
        return f"data_type is {str(dtype)[:40]}, not {spec['dtype']}"
    if not _are_sizes(shape, len(spec["dimensions"]), least=0):
        return f"shape is {str(shape)[:80]}"
    if shape[0] > MOST_ROWS or math.prod(shape[1:]) > WIDEST:
        return f"shape is {tuple(shape)}, larger than an array can be"
    grid = document["chunk_grid"]
    if grid["name"] != "regular" or document.get("storage_transformers"):
        return "its chunks are described in an unknown way"
    outer = grid["configuration"]["chunk_shape"]
    chunks, codecs = [outer], list(document["codecs"])
    for codec in codecs:  # the codecs of a shard's chunks are appended after it
        if codec["name"] not in CODECS:
            return f"codec {str(codec['name'])[:40]} is not one of the format's"
        if codec["name"] == "sharding_indexed":
            settings = codec["configuration"]
            chunks.append(settings["chunk_shape"])
            codecs += [*settings["codecs"], *settings["index_codecs"]]
    itemsize = np.dtype(dtype).itemsize
    return next(filter(None, (_chunk_problem(c, shape, itemsize) for c in chunks)), "")


def _chunk_problem(chunk: Any, shape: Sequence[int], itemsize: int) -> str:
    if not _are_sizes(chunk, len(shape), least=1) or not all(
        1 <= width <= chunk_width
        for width, chunk_width in zip(shape[1:], chunk[1:], strict=True)
    ):
        return f"a chunk is {str(chunk)[:80]}: not a number of whole rows"
    values = math.prod(chunk)
    if values * itemsize > LARGEST_CHUNK or values < min(LEAST_CHUNK, math.prod(shape)):
        return f"a chunk is {tuple(chunk)}: too large or too small to be read"
    return ""


def _are_sizes(values: Any, n: int, *, least: int) -> bool:
    """Say if `values` are `n` whole numbers of at least `least`."""
    return (
        isinstance(values, list)
        and len(values) == n
        and all(type(value) is int and value >= least for value in values)
    )
