"""store/layout.toml, and the names that every module of the store shares."""

import tomllib

from bisae.assets import asset_dir

LAYOUT = tomllib.loads((asset_dir("store") / "layout.toml").read_text("utf-8"))
DOCUMENT = "zarr.json"
SPLITS = ("train", "valid", "eval", "heldout")
SUMS = "sha256"
"""The attribute with the digest of each array's bytes, by its path."""
