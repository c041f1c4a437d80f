"""The report of a store: tables, figures, a page of both and a page of checks."""

from bisae.report.report import report

__all__ = ["report"]
