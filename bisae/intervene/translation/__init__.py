"""Translation by a steered model, and its scores.

Reads pairs and both models; writes `translations` and `translation_scores`.
"""

from bisae.intervene.translation.job import TranslationJob, TranslationSetting, make_job
from bisae.intervene.translation.pairs import Direction, Pair, Task, read_tasks
from bisae.intervene.translation.run import check_prompts, translate
from bisae.intervene.translation.scores import Score, Scorer, Translated
from bisae.intervene.translation.tables import is_translated, write_empty_tables

__all__ = [
    "Direction",
    "Pair",
    "Score",
    "Scorer",
    "Task",
    "Translated",
    "TranslationJob",
    "TranslationSetting",
    "check_prompts",
    "is_translated",
    "make_job",
    "read_tasks",
    "translate",
    "write_empty_tables",
]
