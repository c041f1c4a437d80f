"""store/layout.toml, and the names that every module of the store shares."""

import tomllib

from bisae.assets import asset_dir
from bisae.study import SPLITS

LAYOUT = tomllib.loads((asset_dir("store") / "layout.toml").read_text("utf-8"))
DOCUMENT = "zarr.json"
__all__ = ["DOCUMENT", "LAYOUT", "SPLITS", "SUMS"]

SUMS = "sha256"
"""The attribute with the digest of each array's bytes, by its path."""
