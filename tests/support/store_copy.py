"""A copy of a store that finds its checkpoints, as if the study were moved with it."""

import shutil
from pathlib import Path

from bisae.store import Store


def copy_store(store: Store, copy: Path) -> None:
    """Copy a store, and link the checkpoints and text that are next to it."""
    shutil.copytree(str(store.path), copy, copy_function=shutil.copyfile)
    for name in ("checkpoints", "text"):
        link = copy.parent / name
        if not link.exists():
            link.symlink_to(Path(str(store.path)).parent / name)


def study_file_beside(study_file: Path, folder: Path) -> Path:
    """Copy a study file into a folder that links to the original's text and models.

    Its store is a new one, and may be equal to the original's to the byte.
    """
    folder.mkdir()
    for name in ("checkpoints", "text"):
        (folder / name).symlink_to(study_file.parent / name)
    return Path(shutil.copy(study_file, folder / study_file.name))
