"""Make a store, or open one: only what this version of the format can be.

Writes study.toml, sealed with its own sha256, and the groups that cells share.
"""

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

from bisae.disk import target_of
from bisae.errors import Damaged, StoreError
from bisae.files import Place, is_local, make_folder, names, place, read, real, replace
from bisae.store.format import stamp
from bisae.store.guard import reaching, reading, writing
from bisae.store.layout import DOCUMENT, LAYOUT
from bisae.store.nodes import ensure_group, read_group
from bisae.store.store import SHARED, Store
from bisae.study import (
    Study,
    absolute_paths,
    allow_remote_code,
    dump_study,
    is_path,
    parse_study,
    portable,
)

STUDY = "study.toml"
STUDY_BYTES = 2**20
SEAL = "# sha256 of all above: "
BEGUN = {STUDY, "leases"}
"""What a store whose making was cut short may hold: study.toml comes first."""


def create_store(study: Study) -> Store:
    """Make the study's store, or open it again. Raises StoreError on another study.

    A store that has neither a finished corpus nor a cell is nobody's: any study may
    take it.
    """
    where = real(place(study.store))
    with reaching(where):
        if is_store(where):
            _check_owner(where, study)
        elif where.exists():
            _refuse_other(where)
        return _make(where, study)


def _make(where: Place, study: Study) -> Store:
    with writing("a store", where):
        make_folder(where)
        store = Store(where, study)
        with store.lease(SHARED, wait=True) as staging:
            if is_store(where):  # who had the lease may have finished the corpus
                _check_owner(where, study)
            staging.lease.check()
            replace(where / STUDY, _sealed(dump_study(portable(study))))
            ensure_group(store.zarr, stamp("store"))
            ensure_group(store.zarr / "cells", {})
            for model in study.models:
                ensure_group(store.zarr / "cells" / model.size, {})
    return store


def open_store(
    where: str | os.PathLike[str] | Place, *, trust_remote_code: bool = False
) -> Store:
    """Open a store for reading. Raises StoreError.

    `trust_remote_code` is the word of who opens it; the store's own does not count.
    """
    found = real(place(where))
    with reaching(found):
        if not is_store(found):
            raise StoreError(_no_store(found))
        _check_version(found)
        study = allow_remote_code(_read_study(found), allowed=trust_remote_code)
        home = str(found.absolute())
        return Store(found, study.model_copy(update={"store": home}))


def is_store(where: Place) -> bool:
    """Whether there is a store already, finished or not."""
    return (where / STUDY).exists()


def is_sealed(where: Place) -> bool:
    """Whether a store's study.toml is as it was written."""
    text = read(where / STUDY).decode(errors="replace")
    return _sealed(text.rpartition(SEAL)[0]) == text


def _sealed(text: str) -> str:
    return f"{text}{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n"


def _read_study(where: Place) -> Study:
    file = where / STUDY
    home = Path(str(where)) if is_local(where) else Path.cwd()
    with reading(str(file)):
        study = parse_study(read(file, STUDY_BYTES).decode(), str(file))
        study = absolute_paths(study, home, os.path.expandvars)
    if any(model.layers == "all" for model in study.models):
        reason = "it does not list the layers of a model"
        raise Damaged(str(file), reason, "build the study again")
    return study


def _check_version(where: Place) -> None:
    root = read_group(where / "bisae.zarr")
    if root is None:
        msg = f"{where} has no bisae.zarr; build the study again"
        raise StoreError(msg)
    if root.get("bisae_format") != "store":
        msg = f"{where / 'bisae.zarr'} is not of bisae; build the study elsewhere"
        raise StoreError(msg)
    version = root.get("bisae_format_version")
    if version != LAYOUT["version"]:
        msg = f"{where} has format version {version}, this bisae reads "
        msg += f"{LAYOUT['version']}: install the bisae that wrote it, or a newer one"
        raise StoreError(msg)


def _no_store(where: Place) -> str:
    """What is there instead of a store, and what to do."""
    if where.is_file():
        return f"{where} is a file; a store is a folder, or a prefix of an object store"
    if where.name == "bisae.zarr" and (where.parent / STUDY).exists():
        return f"{where} is inside a store; give the folder that holds it"
    there = set(names(where))
    if there & {".zgroup", ".zarray", ".zmetadata"}:
        return f"{where} is a Zarr v2 hierarchy, no bisae store (it has no study.toml)"
    if "zarr.json" in there:
        return f"{where} is another project's Zarr, no bisae store (no study.toml)"
    return f"no store at {where} (it has no study.toml)"


def _refuse_other(where: Place) -> None:
    """Refuse to build over what is no store, or one whose making was not cut short."""
    there = [] if where.is_file() else names(where)
    left = set(map(target_of, there))
    if where.is_file() or not left <= BEGUN:
        msg = f"{where} is there already and is no bisae store; choose another `store`"
        raise StoreError(msg)


def _check_owner(where: Place, study: Study) -> None:
    """Refuse to build over what another study has finished."""
    if (where / "bisae.zarr" / DOCUMENT).exists():
        _check_version(where)
        if Store(where, study).has_corpus() or _has_cells(where / "bisae.zarr"):
            check_same_study(_read_study(where), study)


def _has_cells(zarr: Place) -> bool:
    """Whether a step of any size was begun."""
    cells = zarr / "cells"
    sizes = set(names(cells)) - {DOCUMENT}
    return any(set(names(cells / size)) - {DOCUMENT} for size in sizes)


def check_same_study(old: Study, new: Study) -> None:
    """Refuse to build one study over another: codes would not be comparable.

    Folders may differ: a study can be moved. What text it was is in the corpus.
    """
    for section in ("corpus", "sae"):
        was, now = (_unplaced(getattr(one, section).model_dump()) for one in (old, new))
        for key, value in was.items():
            if value != now[key]:
                msg = f"{new.store} holds another study: [{section}] {key} is not what "
                msg += "it was built with; change it back, or choose another `store`"
                raise StoreError(msg)


def _unplaced(value: Any) -> Any:
    """Settings without the folders of their paths."""
    if isinstance(value, dict):
        return {key: _unplaced(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_unplaced(one) for one in value]
    if isinstance(value, str) and is_path(value):
        return PurePosixPath(value).name
    return value
