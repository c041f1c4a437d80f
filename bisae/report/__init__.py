"""What `bisae report` makes: tables, figures, a page of them and one of checks."""

from bisae.report.report import report

__all__ = ["report"]
