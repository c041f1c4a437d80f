"""Autoencoders of other projects: import them without training, and export ours.

Reads files of ten formats and the language model; writes `sae/` of cells, and folders
that other projects read.
"""

from bisae.interop.checkpoint import import_checkpoint

__all__ = ["import_checkpoint"]
