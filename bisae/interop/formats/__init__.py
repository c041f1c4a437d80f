"""One module for each format of autoencoders: NAME, `matches` and, to read it, `read`.

A format is detected from files and their keys. The modules of formats that can be
written have `write` as well.
"""

from typing import Protocol

from bisae.errors import AutoencoderError, one_line
from bisae.interop.files import Files, listed
from bisae.interop.foreign import ForeignAutoencoder
from bisae.interop.formats import (
    dictionary_learning,
    gemma_scope,
    gemma_scope_2,
    goodfire,
    llama_scope,
    llm_jp,
    openai,
    qwen_scope,
    saelens,
    sparsify,
)


class Format(Protocol):
    """A format that can be read."""

    NAME: str

    def matches(self, files: Files) -> bool:
        """Say if the files are of this format."""

    def read(self, files: Files) -> ForeignAutoencoder:
        """Read the autoencoder. Raises AutoencoderError."""


FORMATS: tuple[Format, ...] = (
    saelens,
    sparsify,
    dictionary_learning,
    llm_jp,
    openai,
    gemma_scope,
    gemma_scope_2,
    llama_scope,
    qwen_scope,
    goodfire,
)
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of a reader that a config from anybody can cause."""


def detect(files: Files, name: str = "auto") -> Format:
    """Return the format of an autoencoder's files, or the one that is named.

    Raises AutoencoderError, naming what is there.
    """
    candidates = [form for form in FORMATS if name in ("auto", form.NAME)]
    for form in candidates:
        if form.matches(files):
            return form
    formats = ", ".join(form.NAME for form in candidates)
    msg = f"{files}: no autoencoder of a known format ({formats}) among "
    msg += listed(files.names()) or "-"
    raise AutoencoderError(msg)


def read_autoencoder(form: Format, files: Files) -> ForeignAutoencoder:
    """Read an autoencoder of a format. Raises AutoencoderError, whatever is wrong."""
    try:
        return form.read(files)
    except AutoencoderError:
        raise
    except MALFORMED as error:
        msg = f"{files}: its settings cannot be understood: {one_line(error)}"
        raise AutoencoderError(msg) from error
