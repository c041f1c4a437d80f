"""Train the tiny language models of a study's [pretrain] section.

Reads the training split's text; writes a tokenizer and ordinary checkpoints where the
study's models say, one folder a step.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from bisae.corpus import load_tokenizer, read_documents, splitter
from bisae.errors import StudyError
from bisae.progress import bar
from bisae.study import Pretrain, PretrainModel, Source, Study

BOS = "<s>"
# Text without spaces would merge across words; scripts part most Japanese words.
SCRIPTS = r" ?\p{Han}+| ?\p{Hiragana}+| ?[\p{Katakana}ー]+"
TOKENIZER_DOCUMENTS = 20_000


def pretrain(study: Study) -> None:
    """Make every checkpoint that is missing. Raises StudyError without [pretrain]."""
    settings = study.pretrain
    if settings is None:
        msg = "the study has no [pretrain] section"
        raise StudyError(msg)
    texts = _texts(study, settings)
    tokenizer = _tokenizer(study, settings, texts)
    for shape in settings.models:
        model = study.model(shape.size)
        folders = {step: Path(model.checkpoint_at(step)[0]) for step in model.steps}
        if all((folder / "model.safetensors").exists() for folder in folders.values()):
            continue
        windows = _windows(study, settings, texts, tokenizer)
        _train(shape, study, windows, tokenizer, folders)


def _texts(study: Study, settings: Pretrain) -> dict[str, Callable[[], Iterator[str]]]:
    """For each language, and the extra text, a way to read its documents anew."""
    split_of = splitter(study)

    def of_language(language: str) -> Iterator[str]:
        for source in study.corpus.text:
            if source.language == language:
                for document in read_documents(source, study.corpus.key):
                    if split_of(document) == "train":
                        yield document.text

    def extra(sources: tuple[Source, ...]) -> Iterator[str]:
        for source in sources:
            yield from (document.text for document in read_documents(source))

    texts: dict[str, Callable[[], Iterator[str]]] = {
        name: lambda name=name: of_language(name)  # type: ignore[misc]
        for name in study.corpus.languages
    }
    return texts | ({"": lambda: extra(settings.extra)} if settings.extra else {})


def _tokenizer(
    study: Study, settings: Pretrain, texts: dict[str, Callable[[], Iterator[str]]]
) -> Any:
    """Train a byte-level BPE, or read the one that is there."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    folder = Path(study.tokenizer()[0])
    if (folder / "tokenizer.json").exists():
        return load_tokenizer(study)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SCRIPTS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocab_size,
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sample = (text for read in texts.values() for text in _sample(read()))
    bpe.train_from_iterator(sample, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=BOS)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _sample(texts: Iterable[str]) -> Iterator[str]:
    return islice(iter(texts), TOKENIZER_DOCUMENTS)


def _windows(
    study: Study,
    settings: Pretrain,
    texts: dict[str, Callable[[], Iterator[str]]],
    tokenizer: Any,
) -> Iterator[list[int]]:
    """Endless windows of `context` tokens, each language as often as the others."""
    draw = random.Random(settings.seed)
    streams = {
        name: _packed(read, tokenizer, study, random.Random(f"{settings.seed}:{name}"))
        for name, read in texts.items()
    }
    languages = study.corpus.languages
    while True:
        extra = "" in texts and draw.random() < settings.extra_share
        yield next(streams["" if extra else draw.choice(languages)])


def _packed(
    read: Callable[[], Iterator[str]], tokenizer: Any, study: Study, draw: random.Random
) -> Iterator[list[int]]:
    """One kind of text, over and over: documents behind a BOS each, cut in windows.

    Where the corpus joins documents, so does this: a BOS stands at a window's start only.
    """
    size, join = study.corpus.context, study.corpus.join
    held: list[int] = []
    while True:
        texts = list(read())
        draw.shuffle(texts)
        for text in texts:
            if not join or not held:
                held.append(tokenizer.bos_token_id)
            end = "\n" if join else ""
            held += tokenizer(
                text + end, add_special_tokens=False, verbose=False
            ).input_ids
            while len(held) >= size:
                yield held[:size]
                held = [] if join else held[size:]


def _train(
    shape: PretrainModel,
    study: Study,
    windows: Iterator[list[int]],
    tokenizer: Any,
    folders: dict[int, Path],
) -> None:
    """Next-token training: AdamW, linear warm-up, cosine to a tenth."""
    settings = study.pretrain
    assert settings is not None
    torch.manual_seed(settings.seed)
    model = _model(shape, len(tokenizer), tokenizer.bos_token_id)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        settings.lr,
        betas=(0.9, 0.95),
        weight_decay=0.01,
        fused=True,
    )
    last = max(folders)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _rate(step, settings.warmup_steps, last)
    )
    with bar(last, f"pretrain {shape.size}", "steps") as shown:
        for step in range(last + 1):
            if step in folders:
                _save(model, tokenizer, folders[step])
            batch = torch.tensor(list(islice(windows, settings.batch_windows)))
            model(input_ids=batch, labels=batch, use_cache=False).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            shown.update()


def _rate(step: int, warmup: int, last: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    done = torch.tensor((step - warmup) / max(1, last - warmup))
    return float(0.55 + 0.45 * torch.cos(torch.pi * done))


def _model(shape: PretrainModel, vocab_size: int, bos: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=shape.d_model,
            intermediate_size=4 * shape.d_model,
            num_hidden_layers=shape.n_layers,
            num_attention_heads=shape.n_heads,
            num_key_value_heads=shape.n_heads,
            tie_word_embeddings=True,
            bos_token_id=bos,
            eos_token_id=None,
        )
    )


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a checkpoint so that it is there whole or not at all."""
    from transformers.utils import logging

    partial = folder.with_name(f".{folder.name}.partial")
    logging.disable_progress_bar()
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        partial.rename(folder)
