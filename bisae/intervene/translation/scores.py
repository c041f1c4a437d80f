"""Scores of translations, as the libraries compute them: sacrebleu, and COMET.

The only door to sacrebleu and, where they are there, to unbabel-comet and its weights.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import StudyError

BY_CHARACTER = {"ja", "zh"}
"""Languages whose words nothing parts: BLEU counts characters."""


class Translated(NamedTuple):
    """A text, what was to come of it, and what came."""

    source: str
    reference: str
    translation: str


class Score(NamedTuple):
    """How good translations into one language are, all together."""

    metric: str
    score: float
    n_pairs: int
    signature: str
    """All that the number hangs on, in the library's words."""


class Scorer:
    """Scores translations; opens COMET's weights once, if they are asked for."""

    def __init__(self, comet: str | None, *, gpu: bool = False) -> None:
        self._comet: Any = _open_comet(comet) if comet else None
        self._weights, self._gpu = comet, gpu

    def scores(self, rows: Sequence[Translated], target: str) -> list[Score]:
        """Every score of translations into a language."""
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF

        tokens = "char" if target in BY_CHARACTER else "13a"
        metrics = {"chrf": CHRF(), "bleu": BLEU(tokenize=tokens, force=True)}
        written = [row.translation for row in rows]
        references = [[row.reference for row in rows]]
        found = []
        for name, metric in metrics.items():
            score = metric.corpus_score(written, references).score
            signature = metric.get_signature().format()
            found.append(Score(name, score, len(rows), signature))
        return found + ([self._by_comet(rows)] if self._comet else [])

    def _by_comet(self, rows: Sequence[Translated]) -> Score:
        asked = [{"src": s, "ref": r, "mt": t} for s, r, t in rows]
        told = self._comet.predict(asked, gpus=int(self._gpu), progress_bar=False)
        name = Path(self._weights or "").name
        return Score("comet", float(told.system_score), len(rows), f"weights:{name}")


def check_comet(weights: str | None, *, trusted: bool) -> None:
    """Raise StudyError if COMET is asked for, and it or its weights are not there.

    Its weights are a pickle, which can run code: they must be `trusted`.
    """
    if weights is None:
        return
    if not Path(weights).exists():
        msg = f"[intervention.translation] comet: no weights at {weights}"
        raise StudyError(msg)
    if not trusted:
        msg = f"[intervention.translation] comet: {weights} can run code of its own; "
        msg += "if you trust it, allow that for this run with --trust-remote-code"
        raise StudyError(msg)
    if find_spec("comet") is None:
        msg = "[intervention.translation] comet needs the package unbabel-comet, which "
        msg += "is not installed; docs/intervention.md says how to score beside bisae"
        raise StudyError(msg)


def _open_comet(weights: str) -> Any:
    from comet import load_from_checkpoint

    file = Path(weights)
    return load_from_checkpoint(
        str(file / "checkpoints" / "model.ckpt" if file.is_dir() else file)
    )
