"""Open the language model of a checkpoint and check that it fits the study."""

from pathlib import Path
from typing import Any

from bisae.allocator import keep_freed_memory
from bisae.corpus import fingerprint, load_tokenizer, open_tokenizer, tokens_of
from bisae.errors import CheckpointError
from bisae.grid import Cell, Checkpoint
from bisae.lm import LanguageModel, load_lm
from bisae.lm.configurations import check_shape
from bisae.progress import note
from bisae.store import Store

WINDOWS_COMPARED = 512
"""Windows of text on which the study's and a checkpoint's tokenizer are compared."""


def open_model(store: Store, checkpoint: Checkpoint) -> LanguageModel:
    """Load the model of one checkpoint, its weights shuffled if that is its control.

    Raises CheckpointError if it does not fit.
    """
    settings, model = store.study.lm, store.study.model(checkpoint.size)
    path, revision = model.checkpoint_at(checkpoint.step)
    _check_tokenizer(store, path, revision)
    keep_freed_memory()
    lm = load_lm(
        path,
        revision,
        device=settings.device,
        dtype=settings.dtype,
        trust_remote_code=settings.trust_remote_code,
    )
    if model.control == "shuffled weights":
        lm.shuffle_weights(store.study.sae.seed)
    vocabulary = store.corpus_attributes()["vocab_size"]
    check_shape(store.study, model, path, lm.shape, vocabulary)
    return lm


def note_checkpoint(store: Store, cell: Cell) -> None:
    """Tell the user which checkpoint is loaded because a store names it."""
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
    """Refuse a checkpoint whose own tokenizer encodes the study's text differently.

    Comparing files would say too little: padding, chat tokens and formatting change no
    id. Raises CheckpointError.
    """
    used = store.study.tokenizer()
    if (path, revision) == used:
        return
    try:
        shipped = open_tokenizer(path, revision)
        if fingerprint(shipped) == store.corpus_attributes()["tokenizer_fingerprint"]:
            return
        tokenizer = load_tokenizer(store.study)
    except CheckpointError:  # nothing to compare: one of the two is missing
        return
    texts = _windows(store, tokenizer)
    ids, others = tokens_of(tokenizer, texts), tokens_of(shipped, texts)
    for text, expected, actual in zip(texts, ids, others, strict=True):
        if actual != expected:
            msg = f"the tokenizer that {path} ships has another fingerprint than the "
            msg += f"study's, {used[0]}, and cuts {text[:40]!r} into other tokens: the "
            msg += "model would read other words; set [corpus] tokenizer"
            raise CheckpointError(msg)


def _windows(store: Store, tokenizer: Any) -> list[str]:
    """Decode some windows of the study's text."""
    block = next(store.documents("eval", WINDOWS_COMPARED))
    rows = zip(block.token_id, block.length, strict=True)
    texts: list[str] = tokenizer.batch_decode([row[:n].tolist() for row, n in rows])
    return texts


def has_local_checkpoint(store: Store, cell: Cell) -> bool:
    """Say if a cell's checkpoint is a folder on this machine."""
    return store.study.model(cell.size).has_folder(cell.step)
