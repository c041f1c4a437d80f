"""The toy study as a folder: its study file and the text of its small world.

Reads examples/toy.toml; writes it and `text/` where the user wants them.
"""

import shutil
from pathlib import Path

from bisae.assets import asset_dir
from bisae.errors import StoreError
from bisae.toy import write_texts

DOCUMENTS = 12_000
PARALLEL = 4_000
SEED = 0


def write_study(folder: Path) -> Path:
    """Write the toy study into a folder, or find it there; gives the study file."""
    path = folder / "toy.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "text" / "lexicon.csv").exists():
            write_texts(
                folder / "text", documents=DOCUMENTS, parallel=PARALLEL, seed=SEED
            )
        if not path.exists():
            shutil.copyfile(asset_dir("examples") / "toy.toml", path)
    except OSError as error:
        msg = f"cannot write the toy study to {folder}: {error.strerror}"
        raise StoreError(msg) from error
    return path
