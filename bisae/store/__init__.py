"""The store: a chunked Zarr v3 hierarchy, specified in store/README.md."""

from bisae.store.attributes import UNMEASURED, is_imported
from bisae.store.failures import (
    CheckpointFailure,
    forget_failure,
    read_failure,
    record_failure,
)
from bisae.store.format import Array
from bisae.store.holder import Holder
from bisae.store.layout import PAIRS, SPLITS
from bisae.store.lease import Lease
from bisae.store.opening import check_same_study, create_store, is_store, open_store
from bisae.store.records import Block, CellStatus, Codes
from bisae.store.slots import SlotSummary
from bisae.store.store import SHARED, Store
from bisae.store.stored import StoredCodes, feature_activations
from bisae.store.tables import (
    KEY,
    Provenance,
    Table,
    command_of,
    dependency_digests,
    dependency_files,
    digest,
    is_current,
    provenance_of,
    registry,
    serialized,
    study_tables,
    table_file,
    table_names,
    vector_files,
)

__all__ = [
    "KEY",
    "PAIRS",
    "SHARED",
    "SPLITS",
    "UNMEASURED",
    "Array",
    "Block",
    "CellStatus",
    "CheckpointFailure",
    "Codes",
    "Holder",
    "Lease",
    "Provenance",
    "SlotSummary",
    "Store",
    "StoredCodes",
    "Table",
    "check_same_study",
    "command_of",
    "create_store",
    "dependency_digests",
    "dependency_files",
    "digest",
    "feature_activations",
    "forget_failure",
    "is_current",
    "is_imported",
    "is_store",
    "open_store",
    "provenance_of",
    "read_failure",
    "record_failure",
    "registry",
    "serialized",
    "study_tables",
    "table_file",
    "table_names",
    "vector_files",
]
