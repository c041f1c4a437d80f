"""Find the files of a cell's autoencoder, in a folder or on the hub.

Reads folders; downloads from the hub only what the path names.
"""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import snapshot_download

from bisae.errors import AutoencoderError, one_line
from bisae.grid import Cell
from bisae.interop.files import LISTED, Files, listed
from bisae.lm.licence import CARD, licence_in
from bisae.study import Study


def find_files(study: Study, cell: Cell) -> tuple[Files, Path]:
    """Return the files of a cell's autoencoder, and the folder that they are all below.

    Raises AutoencoderError, naming what is there, or why the hub did not answer.
    """
    text, _ = study.model(cell.size).sae_at(cell.step, cell.layer)
    if Path(text).is_absolute():
        path = Path(text)
        home = Path(path.anchor)
    else:
        home, path = _download(text)
    if "*" in str(path):
        path = _only_match(path)
    if not path.exists():
        msg = f"no autoencoder {path}: {_what_is_there(path)}"
        raise AutoencoderError(msg)
    return Files(path, cell.layer), home


def _download(text: str) -> tuple[Path, Path]:
    """Download what a hub name, OWNER/NAME or OWNER/NAME/PATH, names."""
    parts = text.split("/")
    repository, inside = "/".join(parts[:2]), "/".join(parts[2:])
    wanted = [inside, f"{inside}/*", CARD] if inside else None
    try:
        home = Path(snapshot_download(repository, allow_patterns=wanted))
    except Exception as error:  # its client raises errors of many libraries
        msg = f"cannot load {text} from the hub: {one_line(error)}; give a folder, or "
        msg += "connect to the network"
        raise AutoencoderError(msg) from error
    return home, home / inside


def _only_match(path: Path) -> Path:
    """Return the only path that a pattern matches."""
    matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if len(matches) == 1:
        return matches[0]
    if not matches:
        msg = f"no autoencoder matches {path}: {_what_is_there(path)}"
        raise AutoencoderError(msg)
    names = ", ".join(str(match) for match in matches[:LISTED])
    msg = f"{len(matches)} paths match {path}, not one: {names}"
    raise AutoencoderError(msg)


def _what_is_there(path: Path) -> str:
    """Name the entries of the nearest folder above a path that is not there."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    names = sorted(entry.name for entry in folder.iterdir())
    return f"{folder} has {listed(names) or 'nothing'}"


def licence_of(files: Files, home: Path) -> str | None:
    """Return the licence that the nearest README.md above the files names, or None."""
    for folder in _upwards(files.folder, home):
        if (card := folder / CARD).is_file():
            return licence_in(card)
    return None


def _upwards(folder: Path, home: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to `home`, five at most."""
    for number, above in enumerate([folder, *folder.parents]):
        if number == 5:
            return
        yield above
        if above == home:
            return
