"""What is to be translated for a study, and where translations wait for their tables.

Reads pairs; reads and writes one file for each setting and direction in the study's
`work_dir`, so that a run goes on where it stopped.
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
from bisae.query import digest
from bisae.store import Store
from bisae.study import Translation, portable_path


class Setting(NamedTuple):
    """What is added, in the words of the table `interventions`."""

    control: str
    added: str
    alpha: float
    m: int
    draw: int
    scale_back: bool
    b_pre: bool


class Job(NamedTuple):
    """What is to be translated, for the tables of the mid-training model's cell."""

    store: Store
    mid: Cell
    full_step: int
    asked: Translation
    tasks: dict[Direction, list[Task]]
    identity: dict[str, Any]
    """All that a translation hangs on, but its setting and direction."""

    @property
    def prompts(self) -> dict[Direction, list[str]]:
        """The texts that are continued."""
        return {
            way: [prompt(way, task) for task in tasks]
            for way, tasks in self.tasks.items()
        }

    def provenance(self, settings: Iterable[Setting]) -> dict[str, Any]:
        """Return what the tables are made from."""
        listed = [list(setting) for setting in settings]
        comet = self.asked.comet and portable_path(self.store.study, self.asked.comet)
        return self.identity | {"settings": listed, "comet": comet}

    def keep(self, setting: Setting, way: Direction, texts: list[str]) -> None:
        """Keep the translations of a setting, whole or not at all. Raises LeaseLost."""
        file = self._file(setting, way)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.store.check_leases()
        replace(file, json.dumps(texts, ensure_ascii=False))

    def kept(self, setting: Setting, way: Direction) -> list[str] | None:
        """The translations of a setting; None, and a word, if they cannot be used."""
        file = self._file(setting, way)
        if not file.exists():
            return None
        try:
            texts: list[str] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            note(f"{file} is damaged ({error}), and is not used")
            return None
        return texts

    def _file(self, setting: Setting, way: Direction) -> Path:
        key = digest(json.dumps([setting, way, self.identity], sort_keys=True))
        return Path(self.store.study.work_dir) / "translations" / f"{key}.json"


def make_job(
    store: Store, mid: Cell, full_step: int, identity: Mapping[str, Any]
) -> Job:
    """Read and check what is asked; `identity` says what the additions are made from.

    Raises StudyError or CorpusError: pairs, shots, or COMET.
    """
    section = store.study.intervention
    if section is None or section.translation is None:
        msg = f"{store.study.name}: the study has no [intervention.translation]"
        raise StudyError(msg)
    asked = section.translation
    check_comet(asked.comet, trusted=store.study.lm.trust_remote_code)
    tasks = read_tasks(asked, store.languages, section.seed)
    job = Job(store, mid, full_step, asked, tasks, {})
    references = {way: [one.pair for one in of] for way, of in tasks.items()}
    texts = [[*job.prompts.items()], [*references.items()]]
    told = {"additions": dict(identity), "mid": list(mid), "full_step": full_step}
    told |= {"texts": digest(json.dumps(texts)), "limit": asked.max_new_tokens}
    return job._replace(identity=told)
