"""The tiny study with an intervention small enough for a test."""

from pathlib import Path
from typing import Any

from bisae.study import Intervention, Study

ALPHAS, M, DRAWS = (0.0, 0.3), 6, 2
SETTINGS: dict[str, Any] = {
    "size": "M",
    "classes": ("en", "ja"),  # few features are mixed there
    "layer": 1,
    "mid_step": 5,
    "alpha": ALPHAS,
    "m": M,
    "draws": DRAWS,
    "batch_documents": 24,
}


def with_intervention(study: Study, work: Path, **settings: object) -> Study:
    """Return a study with this intervention, some of its settings changed."""
    section = Intervention.model_validate(SETTINGS | settings)
    return study.model_copy(update={"intervention": section, "work_dir": str(work)})
