"""Scores of translations, as sacrebleu and COMET compute them.

The only door to sacrebleu and, if installed, to unbabel-comet and its weights.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import StudyError

BY_CHARACTER = {"ja", "zh"}
"""Languages without spaces between words: BLEU counts characters."""


class Translated(NamedTuple):
    """A text, its reference translation, and the model's translation."""

    source: str
    reference: str
    translation: str


class Score(NamedTuple):
    """A metric over all translations into one language."""

    metric: str
    score: float
    n_pairs: int
    signature: str
    """Everything that the score depends on, as the library writes it."""


class Scorer:
    """Scores translations; opens COMET's weights once, if the study names them."""

    def __init__(self, comet: str | None, *, gpu: bool = False) -> None:
        self._comet: Any = _open_comet(comet) if comet else None
        self._weights, self._gpu = comet, gpu

    def scores(self, rows: Sequence[Translated], target: str) -> list[Score]:
        """Score the translations into a language with every metric."""
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF

        tokens = "char" if target in BY_CHARACTER else "13a"
        metrics = {"chrf": CHRF(), "bleu": BLEU(tokenize=tokens, force=True)}
        written = [row.translation for row in rows]
        references = [[row.reference for row in rows]]
        scores = []
        for name, metric in metrics.items():
            score = metric.corpus_score(written, references).score
            signature = metric.get_signature().format()
            scores.append(Score(name, score, len(rows), signature))
        return scores + ([self._by_comet(rows)] if self._comet else [])

    def _by_comet(self, rows: Sequence[Translated]) -> Score:
        samples = [{"src": s, "ref": r, "mt": t} for s, r, t in rows]
        prediction = self._comet.predict(
            samples, gpus=int(self._gpu), progress_bar=False
        )
        name = Path(self._weights or "").name
        return Score(
            "comet", float(prediction.system_score), len(rows), f"weights:{name}"
        )


def check_comet(weights: str | None, *, trusted: bool) -> None:
    """Raise StudyError if the study names COMET's weights but they cannot be used.

    The weights are a pickle, which can run code: they must be `trusted`.
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
        msg += "is not installed; docs/intervention.md says how to score without it"
        raise StudyError(msg)


def _open_comet(weights: str) -> Any:
    from comet import load_from_checkpoint

    file = Path(weights)
    return load_from_checkpoint(
        str(file / "checkpoints" / "model.ckpt" if file.is_dir() else file)
    )
