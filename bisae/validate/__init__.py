"""Check every promise: the suites in validations/ on the store's tables.

The only door to Great Expectations. Reads JSON suites and, through them, the views in
sql/checks/ and, over one cell's codes, sql/codes/; writes nothing.
"""

from bisae.validate.checks import ROWS_SHOWN, check, check_own, validate
from bisae.validate.codes import FOLDED, check_cells, code_files
from bisae.validate.outcomes import Outcome, as_records, as_rows, failures, in_short
from bisae.validate.own import read_own
from bisae.validate.suites import Promise, Suite, read_suite

__all__ = [
    "FOLDED",
    "ROWS_SHOWN",
    "Outcome",
    "Promise",
    "Suite",
    "as_records",
    "as_rows",
    "check",
    "check_cells",
    "check_own",
    "code_files",
    "failures",
    "in_short",
    "read_own",
    "read_suite",
    "validate",
]
