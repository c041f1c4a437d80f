"""Studies whose text and checkpoints do not exist, for tests that read neither."""

from pathlib import Path
from typing import Any

from bisae.study import Study

LANGUAGES = ("en", "ja")
TEXT = [{"language": name, "files": ["/text/a.txt"]} for name in LANGUAGES]
MODEL: dict[str, Any] = {
    "size": "1M",
    "checkpoint": "/lm/{step}",
    "steps": [7],
    "tokens_per_step": 10,
    "layers": [1, 2],
}


def make_study(store: Path | None = None, /, **sections: Any) -> Study:
    """Return a study of one checkpoint; `sections` replace or add to its file's."""
    raw: dict[str, Any] = {"name": "tiny", "corpus": {"text": TEXT}, "models": [MODEL]}
    if store:
        raw |= {"store": str(store), "work_dir": str(store.parent / "work")}
    return Study.model_validate(raw | sections)
