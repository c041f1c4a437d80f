"""The store: a chunked Zarr v3 hierarchy, specified in store/README.md."""

from bisae.store.format import Array
from bisae.store.layout import SPLITS
from bisae.store.lease import Lease
from bisae.store.opening import check_same_study, create_store, is_store, open_store
from bisae.store.records import Block, Codes, Progress
from bisae.store.slots import Told
from bisae.store.store import SHARED, Store
from bisae.store.stored import StoredCodes

__all__ = [
    "SHARED",
    "SPLITS",
    "Array",
    "Block",
    "Codes",
    "Lease",
    "Progress",
    "Store",
    "StoredCodes",
    "Told",
    "check_same_study",
    "create_store",
    "is_store",
    "open_store",
]
