"""The language model of a checkpoint, as the study says, and fit for its corpus."""

from pathlib import Path
from typing import Any

from bisae.corpus import fingerprint, load_tokenizer, open_tokenizer, tokens_of
from bisae.errors import CheckpointError
from bisae.grid import Cell
from bisae.lm import LanguageModel, load_lm
from bisae.lm.configurations import check_shape
from bisae.progress import note
from bisae.store import Store

WINDOWS_COMPARED = 512
"""Of the study's text, cut by its tokenizer and by the one that a checkpoint ships."""


def open_model(store: Store, size: str, step: int) -> LanguageModel:
    """Load the model of one checkpoint. Raises CheckpointError if it is unfit."""
    settings, model = store.study.lm, store.study.model(size)
    place, revision = model.checkpoint_at(step)
    _check_tokenizer(store, place, revision)
    lm = load_lm(
        place,
        revision,
        device=settings.device,
        dtype=settings.dtype,
        trust_remote_code=settings.trust_remote_code,
    )
    vocabulary = store.corpus_attributes()["vocab_size"]
    check_shape(store.study, model, place, lm.shape, vocabulary)
    return lm


def note_checkpoint(store: Store, cell: Cell) -> None:
    """Say which checkpoint a command loads because a store names it."""
    path, revision = store.study.model(cell.size).checkpoint_at(cell.step)
    home, folder = Path(str(store.path)).resolve(), Path(path).expanduser()
    if not folder.is_dir():
        where = f"from the hub, revision {revision or 'main'}"
    elif folder.resolve().is_relative_to(home):
        where = "inside the store"
    else:
        where = "outside the store"
    note(f"{cell.checkpoint}: the store names the language model {path}, {where}")


def _check_tokenizer(store: Store, path: str, revision: str | None) -> None:
    """Refuse a checkpoint whose own tokenizer gives the study's text other ids.

    Whether the files are the same says too little: padding, chat tokens and the way in
    which a file is written change no id. Raises CheckpointError.
    """
    used = store.study.tokenizer()
    if (path, revision) == used:
        return
    try:
        own = open_tokenizer(path, revision)
        if fingerprint(own) == store.corpus_attributes()["tokenizer_fingerprint"]:
            return
        tokenizer = load_tokenizer(store.study)
    except CheckpointError:  # nothing to compare: it ships none, or ours is not here
        return
    texts = _windows(store, tokenizer)
    ids, others = tokens_of(tokenizer, texts), tokens_of(own, texts)
    for text, ours, theirs in zip(texts, ids, others, strict=True):
        if ours != theirs:
            msg = f"the tokenizer that {path} ships has another fingerprint than the "
            msg += f"study's, {used[0]}, and cuts {text[:40]!r} into other tokens: the "
            msg += "model would read other words; set [corpus] tokenizer"
            raise CheckpointError(msg)


def _windows(store: Store, tokenizer: Any) -> list[str]:
    """Some of the study's text."""
    block = next(store.documents("eval", WINDOWS_COMPARED))
    rows = zip(block.token_id, block.length, strict=True)
    texts: list[str] = tokenizer.batch_decode([row[:n].tolist() for row, n in rows])
    return texts


def is_at_hand(store: Store, cell: Cell) -> bool:
    """Whether a cell's checkpoint is a folder on this machine."""
    place, _ = store.study.model(cell.size).checkpoint_at(cell.step)
    return Path(place).expanduser().is_dir()
