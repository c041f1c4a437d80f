"""Study files that say no more than they must."""

from pathlib import Path
from typing import Any

import tomli_w

from bisae.study import Study, load_study

EN = {"language": "en", "files": ["en.jsonl"]}
JA = {"language": "ja", "files": ["ja.jsonl"]}
MODEL = {
    "size": "1M",
    "checkpoint": "./lm/{size}/{step}",
    "steps": [0, 10],
    "tokens_per_step": 64,
}
SHAPE = {"size": "1M", "d_model": 8, "n_layers": 1, "n_heads": 1}
WITHOUT_TOKENS = {k: v for k, v in MODEL.items() if k != "tokens_per_step"}


def raw(**sections: Any) -> dict[str, Any]:
    """Return the sections of the smallest study, some replaced or added."""
    smallest = {"name": "tiny", "corpus": {"text": [EN, JA]}, "models": [MODEL]}
    return smallest | sections


def load(folder: Path, **sections: Any) -> Study:
    """Write such a study to a file, and read it."""
    file = folder / "study.toml"
    file.write_text(tomli_w.dumps(raw(**sections)), encoding="utf-8")
    return load_study(file)
