"""Create a store, or open one of this version of the format.

Writes study.toml, sealed with its own sha256, and the groups that cells share.
"""

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

from bisae.disk import target_of
from bisae.errors import Damaged, StoreError, StudyError
from bisae.files import (
    AnyPath,
    any_path,
    is_local,
    make_folder,
    names,
    read,
    replace,
    resolve_links,
)
from bisae.store.format import document, stamp
from bisae.store.guard import (
    explain_connection_errors,
    explain_read_errors,
    explain_write_errors,
)
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
FIRST_FILES = {STUDY, "leases"}
"""Files that an interrupted `create_store` may leave; study.toml is written first."""


def create_store(study: Study) -> Store:
    """Create the study's store, or open it again. Raises StoreError on another study.

    A store with neither a finished corpus nor a cell belongs to no study: any may take
    it over.
    """
    where = resolve_links(any_path(study.store))
    with explain_connection_errors(where):
        if is_store(where):
            _check_owner(where, study)
        elif where.exists():
            _refuse_occupied(where)
        return _make(where, study)


def _make(where: AnyPath, study: Study) -> Store:
    with explain_write_errors("a store", where):
        make_folder(where)
        store = Store(where, study)
        with store.lease(SHARED, wait=True) as staging:
            if is_store(where):  # the last holder may have finished the corpus
                _check_owner(where, study)
            staging.lease.check()
            replace(where / STUDY, _sealed(dump_study(portable(study))))
            _ensure_root(store)
            ensure_group(store.zarr / "cells", {})
            for model in study.grid:
                ensure_group(store.zarr / "cells" / model.size, {})
    return store


def _ensure_root(store: Store) -> None:
    """Write the root's metadata; a store that gets newer cells has a new version."""
    root = stamp("store", newest=store.study.needs_newest_format)
    ensure_group(store.zarr, root)
    present = read_group(store.zarr) or {}
    if present["bisae_format_version"] < root["bisae_format_version"]:
        replace(store.zarr / DOCUMENT, document(root))


def open_store(
    where: str | os.PathLike[str] | AnyPath, *, trust_remote_code: bool = False
) -> Store:
    """Open a store for reading. Raises StoreError.

    `trust_remote_code` is decided by the caller; what the store says is ignored.
    """
    path = resolve_links(any_path(where))
    with explain_connection_errors(path):
        if not is_store(path):
            raise StoreError(_missing_store_message(path))
        _check_version(path)
        study = allow_remote_code(_read_study(path), allowed=trust_remote_code)
        home = str(path.absolute())
        return Store(path, study.model_copy(update={"store": home}))


def is_store(where: AnyPath) -> bool:
    """Say if there is a store, finished or not."""
    return (where / STUDY).exists()


def is_sealed(where: AnyPath) -> bool:
    """Say if a store's study.toml is unchanged since it was written."""
    return _has_seal(read(where / STUDY).decode(errors="replace"))


def _has_seal(text: str) -> bool:
    return _sealed(text.rpartition(SEAL)[0]) == text


def _sealed(text: str) -> str:
    return f"{text}{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n"


def _read_study(where: AnyPath) -> Study:
    file = where / STUDY
    home = Path(str(where)) if is_local(where) else Path.cwd()
    with explain_read_errors(str(file)):
        study = _parse(read(file, STUDY_BYTES).decode(), str(file))
        study = absolute_paths(study, home, os.path.expandvars)
    if any(model.layers == "all" for model in study.models):
        reason = "it does not list the layers of a model"
        raise Damaged(str(file), reason, "build the study again")
    return study


def _parse(text: str, file: str) -> Study:
    """Parse a store's study. Raises Damaged if it was changed after it was written."""
    try:
        return parse_study(text, file)
    except StudyError as error:
        if _has_seal(text):
            raise
        reason = str(error).removeprefix(f"{file}: ")
        remedy = "it was changed after it was written: build the study again"
        raise Damaged(file, reason, remedy) from error


def _check_version(where: AnyPath) -> None:
    root = read_group(where / "bisae.zarr")
    if root is None:
        msg = f"{where} has no bisae.zarr; build the study again"
        raise StoreError(msg)
    if root.get("bisae_format") != "store":
        msg = f"{where / 'bisae.zarr'} was not written by bisae; build the study "
        msg += "elsewhere"
        raise StoreError(msg)
    version = root.get("bisae_format_version")
    oldest, newest = LAYOUT["version"], LAYOUT["newest_version"]
    if version not in range(oldest, newest + 1):
        msg = f"{where} has format version {version}, this bisae reads {oldest} to "
        msg += f"{newest}: install the bisae that wrote it, or a newer one"
        raise StoreError(msg)


def _missing_store_message(where: AnyPath) -> str:
    """Return an error message: what is there instead of a store, and what to do."""
    if where.is_file():
        return f"{where} is a file; a store is a folder, or a prefix of an object store"
    if where.name == "bisae.zarr" and (where.parent / STUDY).exists():
        return f"{where} is inside a store; give the folder that holds it"
    entries = set(names(where))
    if entries & {".zgroup", ".zarray", ".zmetadata"}:
        return (
            f"{where} is a Zarr v2 hierarchy, not a bisae store (it has no study.toml)"
        )
    if "zarr.json" in entries:
        return f"{where} is another project's Zarr, not a bisae store (no study.toml)"
    return f"no store at {where} (it has no study.toml)"


def _refuse_occupied(where: AnyPath) -> None:
    """Raise StoreError if something other than an unfinished store is there."""
    entries = [] if where.is_file() else names(where)
    files = set(map(target_of, entries))
    if where.is_file() or not files <= FIRST_FILES:
        msg = f"{where} exists already and is not a bisae store; choose another `store`"
        raise StoreError(msg)


def _check_owner(where: AnyPath, study: Study) -> None:
    """Raise StoreError if another study has finished anything here."""
    if (where / "bisae.zarr" / DOCUMENT).exists():
        _check_version(where)
        if Store(where, study).has_corpus() or _has_cells(where / "bisae.zarr"):
            check_same_study(_read_study(where), study)


def _has_cells(zarr: AnyPath) -> bool:
    """Say if a step of any size was begun."""
    cells = zarr / "cells"
    sizes = set(names(cells)) - {DOCUMENT}
    return any(set(names(cells / size)) - {DOCUMENT} for size in sizes)


def check_same_study(old: Study, new: Study) -> None:
    """Raise StoreError if two studies differ: their codes would not be comparable.

    Folders may differ, as a study can be moved; the corpus records which text it was.
    """
    for section in ("corpus", "sae"):
        old_settings, new_settings = (
            _without_folders(getattr(study, section).model_dump())
            for study in (old, new)
        )
        for key, value in old_settings.items():
            if value != new_settings[key]:
                msg = f"{new.store} holds another study: [{section}] {key} is not what "
                msg += "it was built with; change it back, or choose another `store`"
                raise StoreError(msg)


def _without_folders(value: Any) -> Any:
    """Return settings with every path reduced to its file name."""
    if isinstance(value, dict):
        return {key: _without_folders(setting) for key, setting in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(setting) for setting in value]
    if isinstance(value, str) and is_path(value):
        return PurePosixPath(value).name
    return value
