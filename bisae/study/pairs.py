"""The section [pairs] of a study file: translations that measure alignment."""

from bisae.study.section import Positive, Section


class Pairs(Section):
    """Texts and their translations, with which `retrieval` is measured."""

    files: tuple[str, ...] = ()
    """JSON Lines or Parquet with a field for each language; by default the pairs are
    the evaluation documents with equal keys."""
    max_pairs: Positive = 500
    """The most pairs that are encoded, drawn at random."""
