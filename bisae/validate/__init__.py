"""Check every promise: the suites in validations/ on the store's tables.

The only door to Great Expectations. Reads JSON suites and, through them, the views in
sql/checks/; writes nothing.
"""

from bisae.validate.checks import check, check_own, validate
from bisae.validate.outcomes import Outcome, as_records, as_rows, failures, in_short
from bisae.validate.own import read_own
from bisae.validate.suites import Promise, Suite, read_suite

__all__ = [
    "Outcome",
    "Promise",
    "Suite",
    "as_records",
    "as_rows",
    "check",
    "check_own",
    "failures",
    "in_short",
    "read_own",
    "read_suite",
    "validate",
]
