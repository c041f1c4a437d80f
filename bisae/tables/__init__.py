"""Export tables: those that all cells share, and each cell's features and trends.

Reads the store and the .sql files of sql/text, sql/cell, sql/variants, sql/coherence,
sql/pairs and sql/grid; writes Parquet files whose footers record their provenance. A
file is written again when its provenance changes.
"""

from bisae.tables.antipodes import export_antipodes
from bisae.tables.cell import export_cells
from bisae.tables.changes import StaleTable, outdated_tables
from bisae.tables.coherence import export_coherence
from bisae.tables.context import ExportContext, prepare_export
from bisae.tables.pairs import export_pairs
from bisae.tables.study_tables import export_study_tables

__all__ = [
    "ExportContext",
    "StaleTable",
    "export_antipodes",
    "export_cells",
    "export_coherence",
    "export_pairs",
    "export_study_tables",
    "outdated_tables",
    "prepare_export",
]
