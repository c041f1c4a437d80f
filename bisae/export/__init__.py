"""Export tables: fold each cell's codes into features, and what all cells share.

Reads the store and the .sql files of sql/study and sql/cell; writes Parquet files that
say in their footer what they were made from. A file is made again when that changed.
"""

from bisae.export.cell import export_cell
from bisae.export.shared import Shared, gather
from bisae.export.study_tables import export_shared
from bisae.export.variants import export_variants

__all__ = ["Shared", "export_cell", "export_shared", "export_variants", "gather"]
