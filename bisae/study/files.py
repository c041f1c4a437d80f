"""Read study files into checked studies with absolute paths, and write them."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from bisae.errors import StoreError, StudyError
from bisae.files import read
from bisae.study.intervention import check_intervention
from bisae.study.model import check_checkpoints
from bisae.study.paths import VARIABLE, absolute_paths, expand_variables
from bisae.study.schema import Study
from bisae.study.toml import MOST_BYTES, read_toml, string_values


def load_study(path: Path, *, trust_remote_code: bool = False) -> Study:
    """Read a study file. Raises StudyError: one line saying what is wrong, and where.

    `trust_remote_code` is decided by the caller; what the file says is ignored.
    """
    study = absolute_paths(_read(path), path.resolve().parent, expand_variables)
    return allow_remote_code(study, allowed=trust_remote_code)


def allow_remote_code(study: Study, *, allowed: bool) -> Study:
    """Return the study, allowing checkpoints to run their own code, or not."""
    lm = study.lm.model_copy(update={"trust_remote_code": allowed})
    return study.model_copy(update={"lm": lm})


def load_draft(
    path: Path, *, trust_remote_code: bool = False
) -> tuple[Study, dict[str, list[str]]]:
    """Read a study file whose $VARIABLES may be unset, for a plan.

    Also returns the unset variables, each with the keys whose paths contain it; these
    paths keep the variable's name. Raises StudyError.
    """
    study, incomplete = _read(path), set[str]()

    def expand(text: str) -> str:
        filled = os.path.expandvars(text)
        if VARIABLE.search(filled):
            incomplete.add(text)
        return filled

    unset: dict[str, list[str]] = {}
    draft = absolute_paths(study, path.resolve().parent, expand)
    draft = allow_remote_code(draft, allowed=trust_remote_code)
    for key, text in string_values(study.model_dump()):
        for name in VARIABLE.findall(text) if text in incomplete else ():
            if name not in os.environ and key not in unset.setdefault(name, []):
                unset[name].append(key)
    return draft, unset


def _read(path: Path) -> Study:
    """Read and check a study file; paths stay as written."""
    try:
        text = read(path, MOST_BYTES).decode()
    except FileNotFoundError as error:
        msg = f"no study file {path}"
        raise StudyError(msg) from error
    except StoreError as error:
        raise StudyError(str(error)) from error
    except (UnicodeDecodeError, OSError) as error:
        msg = f"{path}: {error}"
        raise StudyError(msg) from error
    study = parse_study(text, str(path))
    # Only for study files: a store may be older, or hold part of a grid.
    check_checkpoints(study.models, str(path))
    if study.intervention:
        models, languages = study.models, study.corpus.languages
        check_intervention(study.intervention, models, languages, str(path))
    return study


def parse_study(text: str, name: str) -> Study:
    """Parse the text of a study file; paths stay as written. Raises StudyError.

    Remote code of checkpoints is not allowed, whatever the file says.
    """
    try:
        study = Study.model_validate(read_toml(text, name))
        return allow_remote_code(study, allowed=False)
    except ValidationError as error:
        msg = f"{name}: {_first_problem(error)}"
        raise StudyError(msg) from error


def dump_study(study: Study) -> str:
    """Return the study as TOML with every default written out."""
    import tomli_w

    return tomli_w.dumps(study.model_dump(mode="json", exclude_none=True))


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"])) or "the study"
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), _keys(problem["loc"]), 1, 0.0)
        return f"unknown key {where!r}; the nearest known one is {near[0]!r}"
    if problem["type"] == "missing":
        return f"{where} is missing"
    text = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {text[0].lower()}{text[1:]}"


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """List the keys of the section that holds the key at `location`."""
    section: type[BaseModel] = Study
    for key in location[:-1]:
        if isinstance(key, str):
            section = _section(section.model_fields[key].annotation) or section
    return list(section.model_fields)


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_section(section) for section in get_args(annotation))
    return next((section for section in inner if section), None)
