"""Export tables: each cell's codes become features and trends; what all cells share.

Reads the store and the .sql files of sql/study, sql/cell and sql/variants; writes
Parquet files that say in their footer what they were made from. A file is made again
when that changed.
"""

from bisae.tables.cell import export_cells
from bisae.tables.shared import Shared, gather
from bisae.tables.study_tables import export_shared

__all__ = ["Shared", "export_cells", "export_shared", "gather"]
