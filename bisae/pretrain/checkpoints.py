"""Write the checkpoints of small language models, each whole or not at all.

A checkpoint holds the model, the tokenizer, and perplexity.json.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bisae.corpus import quiet_transformers
from bisae.disk import is_abandoned, move_new, remove_below
from bisae.disk_errors import os_errors
from bisae.errors import CheckpointError
from bisae.study import PretrainModel, Study

PERPLEXITY = "perplexity.json"


def checkpoint_folders(study: Study, shape: PretrainModel) -> dict[int, Path]:
    """Return the folder of every checkpoint of a size, by step."""
    model = study.model(shape.size)
    return {step: Path(model.checkpoint_at(step)[0]) for step in model.steps}


def is_finished(folder: Path) -> bool:
    """Return true if a checkpoint exists; it is written atomically."""
    return (folder / "model.safetensors").exists()


def write_checkpoint(
    folder: Path, *parts: Any, perplexity: Mapping[str, Any] | None = None
) -> None:
    """Write a model, a tokenizer or both, atomically.

    If two processes write the same folder, the first one's stays. Raises
    CheckpointError.
    """
    if is_finished(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}."
    for scratch_folder in folder.parent.glob(f"{prefix}*"):
        if is_abandoned(scratch_folder):
            remove_below(scratch_folder)
    with (
        TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch,
        quiet_transformers(),
    ):
        unfinished = Path(scratch) / folder.name
        try:
            with os_errors(folder):
                for piece in parts:
                    piece.save_pretrained(unfinished)
                if perplexity is not None:
                    (unfinished / PERPLEXITY).write_text(json.dumps(perplexity))
            with suppress(FileExistsError):
                move_new(unfinished, folder)
        except FileNotFoundError as error:
            msg = f"{folder}: another process began to write it while this one slept; "
            raise CheckpointError(msg + "run it again and it goes on") from error
