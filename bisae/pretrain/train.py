"""Train small Llama models on next tokens, and write their checkpoints.

Reads windows of tokens; writes a checkpoint at each of the study's steps, and the state
of the training in between. On a CPU an interrupted run continues with identical bits.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bisae.allocator import keep_freed_memory
from bisae.corpus import bos_token_id, n_token_ids, splitter
from bisae.errors import StudyError
from bisae.grid import check_exists
from bisae.lm import chosen_device
from bisae.pretrain.checkpoints import (
    checkpoint_folders,
    is_finished,
    write_checkpoint,
)
from bisae.pretrain.perplexity import heldout_windows, measure
from bisae.pretrain.state import PretrainState
from bisae.pretrain.texts import training_texts
from bisae.pretrain.tokenizer import ensure_tokenizer
from bisae.pretrain.windows import training_windows
from bisae.progress import bar
from bisae.study import Pretrain, PretrainModel, Study

MOST_LOGITS = 2**27
"""Logits of the windows that are computed at once: half a gigabyte in float32."""


def pretrain(study: Study, sizes: Collection[str] = ()) -> None:
    """Train every missing checkpoint, of some sizes or, without any, of all.

    A size that lacks one continues from its last saved state, or starts from scratch.
    Raises StudyError without [pretrain], AddressError for a size that it does not have,
    CorpusError without enough text for a window.
    """
    settings = _settings(study)
    check_exists("size", sizes, {shape.size for shape in settings.models})
    missing = [
        (shape, folders)
        for shape in settings.models
        if not sizes or shape.size in sizes
        for folders in [checkpoint_folders(study, shape)]
        if not all(map(is_finished, folders.values()))
    ]
    if missing:
        keep_freed_memory()
        split_of = splitter(study)
        texts = training_texts(study, split_of)
        tokenizer = ensure_tokenizer(study, texts.values())
        heldout = heldout_windows(study, split_of, tokenizer)
        for shape, folders in missing:
            data = training_windows(study, texts, tokenizer)
            _train(shape, study, data, tokenizer, folders, heldout)


def train_tokenizer(study: Study) -> None:
    """Train the study's tokenizer, unless it exists. Raises as `pretrain`."""
    _settings(study)
    ensure_tokenizer(study, training_texts(study, splitter(study)).values())


def _settings(study: Study) -> Pretrain:
    if study.pretrain is None:
        msg = "the study has no [pretrain] section"
        raise StudyError(msg)
    return study.pretrain


def _train(
    shape: PretrainModel,
    study: Study,
    data: Iterator[list[int]],
    tokenizer: Any,
    folders: Mapping[int, Path],
    heldout: Mapping[str, Tensor],
) -> None:
    """Train with AdamW, a linear warm-up and a cosine decay to a tenth."""
    settings, last = _settings(study), max(folders)
    torch.manual_seed(settings.seed)
    vocab_size = n_token_ids(tokenizer)
    model = _model(shape, vocab_size, bos_token_id(study, tokenizer))
    model.to(chosen_device(study.lm.device))
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    state = PretrainState(study, shape, last)
    first = state.load(model, optimizer)
    windows_read = first * settings.batch_windows
    data = islice(data, windows_read, None)  # the text is read again, up to there
    windows_at_once = max(1, MOST_LOGITS // (study.corpus.context * vocab_size))
    tokens = settings.batch_windows * study.corpus.context
    title = f"pretrain {shape.size}"
    with bar(last * tokens, title, "tokens", first * tokens) as progress:
        for step in range(first, last + 1):
            if step in folders and not is_finished(folders[step]):
                perplexity = measure(model, heldout)
                write_checkpoint(folders[step], model, tokenizer, perplexity=perplexity)
            if step == last:
                break
            if state.is_due() and step > first:
                state.save(model, optimizer, step)
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * _rate(step, settings.warmup_steps, last)
            batch = torch.tensor(list(islice(data, settings.batch_windows)))
            _add_gradients(model, batch.to(model.device), windows_at_once)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            progress.update(tokens)
    state.remove()


def _add_gradients(model: Any, batch: Tensor, windows_at_once: int) -> None:
    """Add the gradients of the mean loss over a batch, a part of it at once.

    In bfloat16 where the device multiplies it; weights and sums stay float32.
    """
    is_cuda = batch.device.type == "cuda" and torch.cuda.is_bf16_supported()
    for part in torch.split(batch, windows_at_once):
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=is_cuda):
            loss = model(input_ids=part, labels=part, use_cache=False).loss
        share = len(part) / len(batch)
        (loss if share == 1 else loss * share).backward()


def _rate(step: int, warmup: int, last: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.55 + 0.45 * math.cos(math.pi * (step - warmup) / max(1, last - warmup))


def _model(shape: PretrainModel, vocab_size: int, bos: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=shape.d_model,
            intermediate_size=2 * shape.d_model,
            num_hidden_layers=shape.n_layers,
            num_attention_heads=shape.n_heads,
            num_key_value_heads=shape.n_heads,
            tie_word_embeddings=True,
            bos_token_id=bos,
            eos_token_id=None,
        )
    )
