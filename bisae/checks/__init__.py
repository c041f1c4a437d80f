"""Run checks of tables, codes and weights: those in validations/ and a user's.

The only door to great-expectations.
"""

from bisae.checks.check_files import Check, TableChecks, read_check_file
from bisae.checks.load import CheckFolder, load_checks, shipped_checks
from bisae.checks.results import (
    CheckResult,
    as_records,
    as_rows,
    failures,
    in_short,
)
from bisae.checks.run import ROWS_SHOWN, run_checks
from bisae.checks.user_checks import run_user_checks
from bisae.checks.validate import validate

__all__ = [
    "ROWS_SHOWN",
    "Check",
    "CheckFolder",
    "CheckResult",
    "TableChecks",
    "as_records",
    "as_rows",
    "failures",
    "in_short",
    "load_checks",
    "read_check_file",
    "run_checks",
    "run_user_checks",
    "shipped_checks",
    "validate",
]
