"""The versions of the code and of the libraries that compute a cell.

Reads the package's own source and the metadata of installed packages.
"""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import bisae

LIBRARIES = ("numpy", "tokenizers", "torch", "transformers")
"""The libraries whose results become part of a cell."""


@cache
def code_version() -> str:
    """Return the version of bisae and a digest of its source, as `0.1.0+1a2b3c4d5e6f`.

    The digest tells two states of the code apart between which no version was released.
    """
    home = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(home.rglob("*.py")):
        digest.update(f"{file.relative_to(home).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return f"{bisae.__version__}+{digest.hexdigest()[:12]}"


@cache
def library_versions() -> str:
    """Return the versions of Python and of the libraries, as `numpy 2.4.6, ...`."""
    versions = [f"{name} {version(name)}" for name in LIBRARIES]
    return ", ".join([*versions, f"python {platform.python_version()}"])
