"""Load store/layout.toml; define the names that all modules of the store share."""

import tomllib

from bisae.assets import asset_dir
from bisae.study import SPLITS

LAYOUT = tomllib.loads((asset_dir("store") / "layout.toml").read_text("utf-8"))
DOCUMENT = "zarr.json"
PAIRS = "pairs"
"""The split of texts with their translations, which a corpus may lack."""
__all__ = ["DOCUMENT", "LAYOUT", "PAIRS", "SPLITS", "SUMS"]

SUMS = "sha256"
"""The attribute that maps each array's path to the digest of its bytes."""
