"""The language model of a checkpoint, as the study says, and fit for its corpus."""

from pathlib import Path

from bisae.errors import CheckpointError
from bisae.grid import Cell
from bisae.hidden import LanguageModel, load_lm
from bisae.progress import note
from bisae.store import Store


def open_model(store: Store, size: str, step: int) -> LanguageModel:
    """Load the model of one checkpoint. Raises CheckpointError if it is unfit."""
    settings, model = store.study.lm, store.study.model(size)
    place, revision = model.checkpoint_at(step)
    lm = load_lm(
        place,
        revision,
        device=settings.device,
        dtype=settings.dtype,
        trust_remote_code=settings.trust_remote_code,
    )
    vocabulary = store.corpus_attributes()["vocab_size"]
    if vocabulary > lm.vocab_size:
        msg = f"{place} embeds {lm.vocab_size} tokens, the tokenizer has {vocabulary}: "
        msg += "they do not belong together; set [corpus] tokenizer"
        raise CheckpointError(msg)
    if model.d_model not in (None, lm.d_model):
        msg = f"{place} has d_model {lm.d_model}, the study says {model.d_model}"
        raise CheckpointError(msg)
    return lm


def note_checkpoint(store: Store, cell: Cell) -> None:
    """Say which checkpoint a command loads because a store names it."""
    path, revision = store.study.model(cell.size).checkpoint_at(cell.step)
    home, folder = Path(str(store.place)).resolve(), Path(path).expanduser()
    if not folder.is_dir():
        where = f"from the hub, revision {revision or 'main'}"
    elif folder.resolve().is_relative_to(home):
        where = "inside the store"
    else:
        where = "outside the store"
    note(f"{cell.checkpoint}: the store names the language model {path}, {where}")


def is_at_hand(store: Store, cell: Cell) -> bool:
    """Whether a cell's checkpoint is a folder on this machine."""
    place, _ = store.study.model(cell.size).checkpoint_at(cell.step)
    return Path(place).expanduser().is_dir()
