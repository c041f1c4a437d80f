"""Read the licence that a card states, of a checkpoint or of other files.

Reads the first lines of README.md, in a folder or on the hub.
"""

import re
from contextlib import suppress
from pathlib import Path

from bisae.corpus import quiet_transformers
from bisae.errors import StoreError
from bisae.files import read
from bisae.study import is_path

CARD = "README.md"
HEADER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.S)
LICENCE = re.compile(
    r"^(license|license_name): *[\"']?([\w.+-]{1,80})[\"']?(?: +#.*)? *\r?$", re.M
)
MOST_BYTES = 2**20


def read_licence(checkpoint: str, commit_hash: str | None) -> str | None:
    """Return the licence of a folder, or of a hub name at a commit; None if unknown."""
    folder = Path(checkpoint).expanduser()
    file = folder / CARD
    if not folder.is_dir():
        if is_path(checkpoint) or not (
            downloaded := _download(checkpoint, commit_hash)
        ):
            return None
        file = Path(downloaded)
    return licence_in(file)


def licence_in(card: Path) -> str | None:
    """Return the licence that a card states, or None.

    A card whose licence is "other" may name it.
    """
    with suppress(OSError, StoreError):
        header = HEADER.match(read(card, MOST_BYTES).decode(errors="replace"))
        entries = dict(LICENCE.findall(header[1])) if header else {}
        return entries.get("license_name") or entries.get("license")
    return None


def _download(name: str, commit_hash: str | None) -> str | None:
    """Return a card of the hub, or None where there is none, or no network."""
    import huggingface_hub

    with quiet_transformers(), suppress(Exception):
        return huggingface_hub.hf_hub_download(name, CARD, revision=commit_hash)
    return None
