"""The paths of a study: relative in its file, absolute in memory, relative in a store.

A study file's paths are relative to its folder, and a store's study.toml is no
exception: a study that is moved whole with its store still finds everything, and the
store names no folder above the study's.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from bisae.errors import StudyError
from bisae.study.corpus import Source
from bisae.study.model import Model
from bisae.study.schema import Lexicon, Study, Validation

VARIABLE = re.compile(r"\$\{?(\w+)")
"""A variable of the environment in a path."""
Convert = Callable[[str], str]


def is_path(place: str) -> bool:
    """Whether a checkpoint or tokenizer names a folder, not a repository of the hub."""
    return (
        place.startswith((".", "/", "~", "$"))
        or bool(re.search(r"\{(step|tokens)\b", place))
        or place.count("/") > 1
    )


def expand_variables(text: str) -> str:
    """Fill in environment variables. Raises StudyError for one that is not set."""
    filled = os.path.expandvars(text)
    if unset := VARIABLE.search(filled):
        msg = f"{text}: the environment has no {unset[1]}; set it to a folder"
        raise StudyError(msg)
    return filled


def absolute_paths(study: Study, home: Path, expand: Convert) -> Study:
    """Make every path absolute: expand $VARIABLES, then start at the folder `home`.

    The study remembers how each path was written.
    """
    written: dict[str, str] = {}

    def remember(text: str, resolved: str) -> str:
        written.setdefault(resolved, text)
        return resolved

    def path(text: str) -> str:
        resolved = (home / Path(expand(text)).expanduser()).resolve()
        return remember(text, str(resolved))

    def text_file(text: str) -> str:
        """A link keeps its own name: the end of it says what is in the file."""
        file = home / Path(expand(text)).expanduser()
        return remember(text, str(file.parent.resolve() / file.name))

    def folder(text: str, filled: str) -> str:
        """Resolve a folder; a name on the hub stays, unless such a folder is here."""
        return path(text) if is_path(text) or (home / filled).is_dir() else text

    def checkpoint(model: Model) -> str:
        last, _ = model.checkpoint_at(model.steps[-1])
        return folder(model.checkpoint, last)

    def tokenizer(text: str) -> str:
        return folder(text, text)

    store = study.store if "://" in study.store else path(study.store)
    converted = _converted(study, path, text_file, checkpoint, tokenizer)
    return converted.remembering(written).model_copy(update={"store": store})


def portable(study: Study) -> Study:
    """Write every path as the store's study.toml has it."""

    def path(text: str) -> str:
        return portable_path(study, text)

    def checkpoint(model: Model) -> str:
        return path(model.checkpoint)

    converted = _converted(study, path, path, checkpoint, path)
    return converted.model_copy(update={"store": "."})


def portable_path(study: Study, path: str) -> str:
    """Return a path of the study relative to its store.

    A hub name, an absolute path, and one that begins with ~ or a $VARIABLE, is as the
    study file has it; where the store is not below the study's folder, every path is.
    """
    written = study.as_written(path)
    if written == path or written.startswith(("/", "~", "$")):
        return written
    store = study.as_written(study.store)
    below = Path(os.path.normpath(store))
    is_apart = "://" in store or str(below).startswith(("/", "~", "$", ".."))
    n_up = 0 if is_apart else len(below.parts)
    relative = os.path.normpath("../" * n_up + written)
    return relative if relative.startswith("..") else f"./{relative}"


def portable_checkpoint(study: Study, size: str, step: int) -> str:
    """Return where a checkpoint is, as the store's study.toml has it."""
    model = study.model(size)
    template = portable_path(study, model.checkpoint)
    return model.model_copy(update={"checkpoint": template}).checkpoint_at(step)[0]


def _converted(
    study: Study,
    path: Convert,
    text_file: Convert,
    checkpoint: Callable[[Model], str],
    tokenizer: Convert,
) -> Study:
    """Convert every path of a study but its store's."""

    def source(one: Source) -> Source:
        return one.model_copy(update={"files": tuple(map(text_file, one.files))})

    corpus = study.corpus.model_copy(
        update={
            "text": tuple(source(text) for text in study.corpus.text),
            "tokenizer": study.corpus.tokenizer and tokenizer(study.corpus.tokenizer),
        }
    )
    models = tuple(
        model.model_copy(update={"checkpoint": checkpoint(model)})
        for model in study.models
    )
    update: dict[str, object] = {"corpus": corpus, "models": models}
    update["work_dir"] = path(study.work_dir)
    if study.lexicon:
        update["lexicon"] = Lexicon(file=path(study.lexicon.file))
    if study.validation:
        update["validation"] = Validation(folder=path(study.validation.folder))
    if study.pretrain:
        extra = tuple(source(one) for one in study.pretrain.extra)
        update["pretrain"] = study.pretrain.model_copy(update={"extra": extra})
    if study.intervention and (asked := study.intervention.translation):
        files = tuple(path(file) for file in asked.files)
        comet = asked.comet and path(asked.comet)
        asked = asked.model_copy(update={"files": files, "comet": comet})
        changed = {"translation": asked}
        update["intervention"] = study.intervention.model_copy(update=changed)
    return study.model_copy(update=update)
