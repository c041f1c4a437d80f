"""The store: a chunked Zarr v3 hierarchy, specified in store/README.md."""

from bisae.store.records import Block, Codes, Progress
from bisae.store.store import Store, create_store, open_store
from bisae.store.writers import SPLITS

__all__ = [
    "SPLITS",
    "Block",
    "Codes",
    "Progress",
    "Store",
    "create_store",
    "open_store",
]
