"""A copy of a store that finds its checkpoints, as if the study were moved with it."""

import shutil
from pathlib import Path

from bisae.store import Store


def copy_store(store: Store, copy: Path) -> None:
    """Copy a store, and link the checkpoints and text that are next to it."""
    shutil.copytree(str(store.path), copy)
    for name in ("checkpoints", "text"):
        link = copy.parent / name
        if not link.exists():
            link.symlink_to(Path(str(store.path)).parent / name)
