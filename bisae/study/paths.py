"""Paths of a study: relative in its file and in the store, absolute in memory.

Paths in a study file are relative to its folder, also in a store's study.toml: a study
that is moved together with its store still finds everything, and the store names no
folder above the study's.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study.corpus import Source
from bisae.study.model import Model
from bisae.study.schema import LexiconFile, Study, Validation

VARIABLE = re.compile(r"\$\{?(\w+)")
"""An environment variable in a path."""
Convert = Callable[[str], str]


def is_path(name: str) -> bool:
    """Say if a checkpoint or tokenizer names a folder, not a repository of the hub."""
    return (
        name.startswith((".", "/", "~", "$"))
        or bool(re.search(r"\{(step|tokens)\b", name))
        or name.count("/") > 1
    )


def expand_variables(text: str) -> str:
    """Fill in environment variables. Raises StudyError for one that is not set."""
    filled = os.path.expandvars(text)
    if unset := VARIABLE.search(filled):
        msg = f"{text}: the environment variable {unset[1]} is not set; set it to a "
        msg += "folder"
        raise StudyError(msg)
    return filled


def absolute_paths(study: Study, home: Path, expand: Convert) -> Study:
    """Make every path absolute: expand $VARIABLES, then resolve against `home`.

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
        """A link keeps its own name, whose suffix tells the file's format."""
        file = home / Path(expand(text)).expanduser()
        return remember(text, str(file.parent.resolve() / file.name))

    def folder(text: str, filled: str) -> str:
        """Resolve a folder; a hub name stays, unless a folder of that name exists."""
        return path(text) if is_path(text) or (home / filled).is_dir() else text

    def checkpoint(model: Model) -> str:
        last, _ = model.checkpoint_at(model.steps[-1])
        return folder(model.checkpoint, last)

    def sae(text: str) -> str:
        """A hub name stays, unless there is a folder of the name of its first part."""
        first = text.partition("/")[0]
        is_local = text.startswith((".", "/", "~", "$")) or (home / first).is_dir()
        return path(text) if is_local else text

    def tokenizer(text: str) -> str:
        return folder(text, text)

    store = study.store if "://" in study.store else path(study.store)
    converted = _convert_paths(study, path, text_file, checkpoint, sae, tokenizer)
    return converted.with_written_paths(written).model_copy(update={"store": store})


def portable(study: Study) -> Study:
    """Return the study with every path as in the store's study.toml."""

    def path(text: str) -> str:
        return portable_path(study, text)

    def checkpoint(model: Model) -> str:
        return path(model.checkpoint)

    converted = _convert_paths(study, path, path, checkpoint, path, path)
    return converted.model_copy(update={"store": "."})


def portable_path(study: Study, path: str) -> str:
    """Return a path of the study relative to its store.

    Hub names, absolute paths, and paths beginning with ~ or a $VARIABLE stay as in the
    study file; all paths do if the store is not below the study's folder.
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
    """Return the path of a checkpoint as in the store's study.toml."""
    model = study.model(size)
    template = portable_path(study, model.checkpoint)
    return model.model_copy(update={"checkpoint": template}).checkpoint_at(step)[0]


def portable_sae(study: Study, cell: Cell) -> str:
    """Return the path of a cell's imported autoencoder as in the store's study.toml."""
    model = study.model(cell.size)
    template = portable_path(study, model.sae or "")
    return model.model_copy(update={"sae": template}).sae_at(cell.step, cell.layer)[0]


def _convert_paths(
    study: Study,
    path: Convert,
    text_file: Convert,
    checkpoint: Callable[[Model], str],
    sae: Convert,
    tokenizer: Convert,
) -> Study:
    """Convert every path of a study except its store's."""

    def source(original: Source) -> Source:
        return original.model_copy(
            update={"files": tuple(map(text_file, original.files))}
        )

    corpus = study.corpus.model_copy(
        update={
            "text": tuple(source(text) for text in study.corpus.text),
            "tokenizer": study.corpus.tokenizer and tokenizer(study.corpus.tokenizer),
        }
    )
    models = tuple(
        model.model_copy(
            update={
                "checkpoint": checkpoint(model),
                "sae": model.sae and sae(model.sae),
            }
        )
        for model in study.models
    )
    update: dict[str, object] = {"corpus": corpus, "models": models}
    update["work_dir"] = path(study.work_dir)
    if study.lexicon:
        update["lexicon"] = LexiconFile(file=path(study.lexicon.file))
    if study.pairs:
        files = tuple(map(text_file, study.pairs.files))
        update["pairs"] = study.pairs.model_copy(update={"files": files})
    if study.validation:
        update["validation"] = Validation(folder=path(study.validation.folder))
    if study.pretrain:
        sources: dict[str, object] = {"extra": tuple(map(source, study.pretrain.extra))}
        if parallel := study.pretrain.parallel:
            files = tuple(map(text_file, parallel.files))
            sources["parallel"] = parallel.model_copy(update={"files": files})
        update["pretrain"] = study.pretrain.model_copy(update=sources)
    if study.intervention and (translation := study.intervention.translation):
        files = tuple(path(file) for file in translation.files)
        comet = translation.comet and path(translation.comet)
        translation = translation.model_copy(update={"files": files, "comet": comet})
        changed = {"translation": translation}
        update["intervention"] = study.intervention.model_copy(update=changed)
    return study.model_copy(update=update)
