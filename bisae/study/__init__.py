"""A study: its text, checkpoints, autoencoders and thresholds.

Reads a TOML file and returns a frozen `Study` with every default filled in and every
path absolute; a store's own study.toml records how it was built.
"""

from bisae.study.controls import Control, ControlModel, control_models, listed_controls
from bisae.study.corpus import SPLITS, Source, Text
from bisae.study.files import (
    allow_remote_code,
    dump_study,
    load_draft,
    load_study,
    parse_study,
)
from bisae.study.intervention import (
    Intervention,
    Translation,
    check_intervention,
)
from bisae.study.model import ControlKind, Model
from bisae.study.pairs import Pairs
from bisae.study.paths import (
    absolute_paths,
    is_path,
    portable,
    portable_checkpoint,
    portable_path,
    portable_sae,
)
from bisae.study.pretrain import ParallelText, Pretrain, PretrainModel
from bisae.study.sae import Sae
from bisae.study.schema import Features, Study, Validation
from bisae.study.section import MOST_CODES, MOST_LAYERS, WIDEST

__all__ = [
    "MOST_CODES",
    "MOST_LAYERS",
    "SPLITS",
    "WIDEST",
    "Control",
    "ControlKind",
    "ControlModel",
    "Features",
    "Intervention",
    "Model",
    "Pairs",
    "ParallelText",
    "Pretrain",
    "PretrainModel",
    "Sae",
    "Source",
    "Study",
    "Text",
    "Translation",
    "Validation",
    "absolute_paths",
    "allow_remote_code",
    "check_intervention",
    "control_models",
    "dump_study",
    "is_path",
    "listed_controls",
    "load_draft",
    "load_study",
    "parse_study",
    "portable",
    "portable_checkpoint",
    "portable_path",
    "portable_sae",
]
