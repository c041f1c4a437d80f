"""A study's translation job, and the files that hold translations until it ends.

Reads pairs; reads and writes one file for each setting and direction in the study's
`work_dir`, so that an interrupted run resumes.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import StudyError
from bisae.files import replace
from bisae.grid import Cell
from bisae.intervene.translation.pairs import Direction, Task, read_tasks
from bisae.intervene.translation.prompts import prompt
from bisae.intervene.translation.scores import check_comet
from bisae.progress import note
from bisae.store import Store, digest
from bisae.study import Translation, portable_path


class TranslationSetting(NamedTuple):
    """A way to steer the model, with the columns of the table `interventions`."""

    control: str
    added: str
    alpha: float
    m: int
    draw: int
    scale_back: bool
    b_pre: bool


class TranslationJob(NamedTuple):
    """The texts to translate, for the tables of the mid-training model's cell."""

    store: Store
    mid: Cell
    full_step: int
    section: Translation
    tasks: dict[Direction, list[Task]]
    identity: dict[str, Any]
    """Everything that a translation depends on, except its setting and direction."""

    @property
    def prompts(self) -> dict[Direction, list[str]]:
        """The texts that the model continues."""
        return {
            direction: [prompt(direction, task) for task in tasks]
            for direction, tasks in self.tasks.items()
        }

    def provenance(self, settings: Iterable[TranslationSetting]) -> dict[str, Any]:
        """Return the provenance of the tables."""
        listed = [list(setting) for setting in settings]
        comet = self.section.comet and portable_path(
            self.store.study, self.section.comet
        )
        return self.identity | {"settings": listed, "comet": comet}

    def save(
        self, setting: TranslationSetting, direction: Direction, texts: list[str]
    ) -> None:
        """Save a setting's translations, atomically. Raises LeaseLost."""
        file = self._file(setting, direction)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.store.check_leases()
        replace(file, json.dumps(texts, ensure_ascii=False))

    def load(
        self, setting: TranslationSetting, direction: Direction
    ) -> list[str] | None:
        """Load a setting's translations; None if there are none or they are damaged."""
        file = self._file(setting, direction)
        if not file.exists():
            return None
        try:
            texts: list[str] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            note(f"{file} is damaged ({error}); these texts are translated again")
            return None
        return texts

    def _file(self, setting: TranslationSetting, direction: Direction) -> Path:
        key = digest(json.dumps([setting, direction, self.identity], sort_keys=True))
        return Path(self.store.study.work_dir) / "translations" / f"{key}.json"


def make_job(
    store: Store, mid: Cell, full_step: int, identity: Mapping[str, Any]
) -> TranslationJob:
    """Read and check the study's translation; `identity` is that of the intervention.

    Raises StudyError or CorpusError if pairs, shots or COMET are missing or wrong.
    """
    section = store.study.intervention
    if section is None or section.translation is None:
        msg = f"{store.study.name}: the study has no [intervention.translation]"
        raise StudyError(msg)
    translation = section.translation
    check_comet(translation.comet, trusted=store.study.lm.trust_remote_code)
    tasks = read_tasks(translation, store.languages, section.seed)
    job = TranslationJob(store, mid, full_step, translation, tasks, {})
    references = {
        direction: [task.pair for task in direction_tasks]
        for direction, direction_tasks in tasks.items()
    }
    texts = [[*job.prompts.items()], [*references.items()]]
    identity_of_job = {
        "additions": dict(identity),
        "mid": list(mid),
        "full_step": full_step,
    }
    identity_of_job |= {
        "texts": digest(json.dumps(texts)),
        "limit": translation.max_new_tokens,
    }
    return job._replace(identity=identity_of_job)
