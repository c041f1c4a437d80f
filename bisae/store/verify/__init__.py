"""Verify every byte of a store against what was written and what the format says.

Reads metadata, every chunk and every table file; writes nothing.
"""

from bisae.store.verify.expected import further_weights
from bisae.store.verify.findings import Finding, Verified, as_rows
from bisae.store.verify.parts import is_finished
from bisae.store.verify.store import PARTS, check, verify
from bisae.store.verify.tables import cell_files, study_files

__all__ = [
    "PARTS",
    "Finding",
    "Verified",
    "as_rows",
    "cell_files",
    "check",
    "further_weights",
    "is_finished",
    "study_files",
    "verify",
]
