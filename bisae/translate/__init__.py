"""Translation by a model to which features of another are added; its scores.

Reads pairs and both models; writes `translations` and `translation_scores`.
"""

from bisae.translate.job import Job, Setting, make_job
from bisae.translate.pairs import Direction, Pair, Task, read_tasks
from bisae.translate.run import check_prompts, translate
from bisae.translate.scores import Score, Scorer, Translated
from bisae.translate.tables import is_translated, write_none

__all__ = [
    "Direction",
    "Job",
    "Pair",
    "Score",
    "Scorer",
    "Setting",
    "Task",
    "Translated",
    "check_prompts",
    "is_translated",
    "make_job",
    "read_tasks",
    "translate",
    "write_none",
]
