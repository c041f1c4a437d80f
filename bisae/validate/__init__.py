"""Check every promise: the suites in validations/ on the store's tables.

The only door to Great Expectations. Reads JSON suites and, through them, the views in
sql/checks/ and, over one cell's codes, sql/codes/; writes nothing.
"""

from bisae.validate.checks import ROWS_SHOWN, check, validate
from bisae.validate.codes import check_cell, code_files
from bisae.validate.outcomes import Outcome, as_rows, failures
from bisae.validate.suites import Promise, Suite, read_suite

__all__ = [
    "ROWS_SHOWN",
    "Outcome",
    "Promise",
    "Suite",
    "as_rows",
    "check",
    "check_cell",
    "code_files",
    "failures",
    "read_suite",
    "validate",
]
