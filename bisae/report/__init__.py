"""What `bisae report` makes: tables, figures, and one page that shows them."""

from bisae.report.report import report

__all__ = ["report"]
