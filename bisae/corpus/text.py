"""Documents, streamed from files or the hub through `datasets`."""

import zlib
from collections.abc import Iterator
from logging import CRITICAL
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import CorpusError
from bisae.files import literal
from bisae.study import Source

READERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".txt": "text"}


class Document(NamedTuple):
    """One text and the key that ties it to its translations."""

    text: str
    key: str


def read_documents(source: Source, key: str | None = None) -> Iterator[Document]:
    """Stream a source's documents.

    Raises CorpusError: a file is missing, is not UTF-8, or lacks a field.
    """
    from datasets.exceptions import DatasetGenerationError

    broken = (OSError, ValueError, EOFError, zlib.error, DatasetGenerationError)
    name = source.dataset or ", ".join(source.files)
    try:
        for row in _open(source):
            yield Document(*(_field(row, field, name) for field in (source.field, key)))
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 ({error.reason}); convert it"
        raise CorpusError(msg) from error
    except StopIteration as error:  # so `datasets` says it
        msg = f"{name} is empty"
        raise CorpusError(msg) from error
    except broken as error:
        if isinstance(error, CorpusError):
            raise
        reason = str(error.__cause__ or error).splitlines()[0]
        msg = f"{name} cannot be read: {reason}"
        raise CorpusError(msg) from error


def _open(source: Source) -> Any:
    from datasets import config, disable_progress_bars, load_dataset
    from datasets.utils.logging import set_verbosity

    config.HF_UPDATE_DOWNLOAD_COUNTS = False  # it would tell the hub of local files
    disable_progress_bars()
    set_verbosity(CRITICAL)  # what it logs, it raises as well
    if source.dataset:
        return load_dataset(
            source.dataset,
            source.dataset_config,
            split=source.dataset_split,
            streaming=True,
        )
    readers = set()
    for file in source.files:
        if not Path(file).is_file():
            msg = f"no text file {file}"
            raise CorpusError(msg)
        suffix = Path(file.removesuffix(".gz")).suffix
        if suffix not in READERS:
            msg = f"{file}: text files end in {', '.join(READERS)} (and .gz)"
            raise CorpusError(msg)
        readers.add(READERS[suffix])
    if len(readers) > 1:
        msg = f"{', '.join(source.files)}: one source holds files of one kind"
        raise CorpusError(msg)
    files = list(map(literal, source.files))  # the library takes them for patterns
    return load_dataset(readers.pop(), data_files=files, split="train", streaming=True)


def _field(row: dict[str, Any], field: str | None, name: str) -> str:
    if field is None:
        return ""
    if row.get(field) is None:
        have = ", ".join(k for k, v in row.items() if v is not None) or "nothing"
        msg = f"{name} has a document without the field {field!r} (it has {have})"
        raise CorpusError(msg)
    return str(row[field])
