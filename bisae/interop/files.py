"""Read the files of an autoencoder that may come from anybody.

Reads JSON, safetensors, NumPy archives without pickles, and PyTorch's pickles with
tensors only.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bisae.errors import AutoencoderError, StoreError, one_line
from bisae.files import read

PICKLES = (".pt", ".pth")
MOST_EXPANSION = 20
"""Times that an archive's arrays may be larger than the archive."""
LISTED = 10
"""Names that a message lists of what is in a folder."""
UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError, SafetensorError),
    *(UnpicklingError, zipfile.BadZipFile),
)


class Files:
    """The files of one autoencoder: a folder, or a single file in one."""

    def __init__(self, path: Path, layer: int) -> None:
        """`layer` is the layer that it is imported for, counted as in the store."""
        self.path, self.layer = path, layer
        self.folder = path if path.is_dir() else path.parent
        self._only = None if path.is_dir() else path.name
        self._tensors: dict[Path, dict[str, Any]] = {}
        """The entries of the files read so far, freed together with this object."""

    def __str__(self) -> str:
        return str(self.path)

    def names(self) -> list[str]:
        """List the names of the folder's files, or the single file's."""
        if self._only:
            return [self._only]
        return sorted(file.name for file in self.folder.iterdir())

    def has(self, *names: str) -> bool:
        """Say if all these files are there. A single file has no others."""
        return self._only is None and all((self.folder / n).is_file() for n in names)

    def pickle(self) -> Path | None:
        """Return the single .pt or .pth file, or None."""
        pickles = [name for name in self.names() if name.endswith(PICKLES)]
        return self.folder / pickles[0] if len(pickles) == 1 else None

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON object. Raises AutoencoderError."""
        file = self.folder / name
        try:
            content = json.loads(read(file))
        except (ValueError, StoreError, OSError, RecursionError) as error:
            raise _unreadable(file, error) from error
        if not isinstance(content, dict):
            msg = f"{file}: it holds no JSON object"
            raise AutoencoderError(msg)
        return content

    def tensors(self, file: Path) -> dict[str, Any]:
        """Read the entries of a file, most of them tensors. Raises AutoencoderError."""
        if file not in self._tensors:
            self._tensors[file] = _read_tensors(file)
        return self._tensors[file]


def _read_tensors(file: Path) -> dict[str, Any]:
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        if file.suffix == ".npz":
            return _archive(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        if isinstance(error, UnpicklingError):
            msg = f"{file}: it holds more than tensors, and may run code when it is "
            msg += "read; ask its authors for safetensors"
            raise AutoencoderError(msg) from error
        raise _unreadable(file, error) from error
    if not isinstance(content, dict):
        msg = f"{file}: it holds no tensors by name"
        raise AutoencoderError(msg)
    return content


def _archive(file: Path) -> dict[str, Any]:
    """Read an .npz file as tensors."""
    with zipfile.ZipFile(file) as archive:
        expanded = sum(info.file_size for info in archive.infolist())
    if expanded > MOST_EXPANSION * file.stat().st_size:
        msg = f"its arrays would take {expanded:,} bytes"
        raise ValueError(msg)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


def _unreadable(file: Path, error: BaseException) -> AutoencoderError:
    return AutoencoderError(f"{file}: it cannot be read: {one_line(error)}")


def listed(names: Sequence[str]) -> str:
    """List the first names of a folder for a message; "" if there are none."""
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def take(
    tensors: Mapping[str, Any],
    file: Path,
    names: Sequence[str],
    optional: Sequence[str] = (),
) -> list[torch.Tensor]:
    """Return the tensors `names`. Raises AutoencoderError if others are there, or not.

    Tensors named in `optional` may be there.
    """
    missing = [name for name in names if name not in tensors]
    extra = sorted(map(str, tensors.keys() - {*names, *optional}))
    if missing or extra:
        problems = [f"lacks {', '.join(missing)}"] if missing else []
        problems += [f"has also {', '.join(extra)[:200]}"] if extra else []
        msg = f"{file}: it {' and '.join(problems)}: not a format that can be imported"
        raise AutoencoderError(msg)
    for name in names:
        tensor = tensors[name]
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            msg = f"{file}: {name} is no tensor of floating-point numbers"
            raise AutoencoderError(msg)
    return [tensors[name] for name in names]
