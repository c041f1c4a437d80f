"""Train the tiny language models of a study's [pretrain] section.

Reads the training split's text; writes a tokenizer and ordinary checkpoints where the
study's models say, one folder a step.
"""

import math
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bisae.corpus import (
    Document,
    bos_token_id,
    load_tokenizer,
    n_token_ids,
    quiet_transformers,
    read_documents,
    splitter,
    take_turns,
    tokens_of,
)
from bisae.disk import move_new, remove_below
from bisae.disk_errors import os_errors
from bisae.errors import CheckpointError, CorpusError, StudyError
from bisae.progress import bar
from bisae.study import Pretrain, PretrainModel, Source, Study, is_path

BOS = "<s>"
# Text without spaces would merge across words; scripts part most Japanese words.
SCRIPTS = r" ?\p{Han}+| ?\p{Hiragana}+| ?[\p{Katakana}ー]+"
TOKENIZER_DOCUMENTS = 10_000
TEXTS_AT_ONCE = 256
SHUFFLED = 4096
"""Windows of each kind of text that are held back, to mix its documents."""

Texts = dict[str, Callable[[], Iterator[str]]]


def pretrain(study: Study, sizes: Collection[str] | None = None) -> None:
    """Make every checkpoint that is missing, of some sizes or of all.

    A size that lacks one starts anew. Raises StudyError without [pretrain], CorpusError
    without text enough for a window.
    """
    settings = _settings(study)
    missing = [
        (shape, folders)
        for shape in settings.models
        if sizes is None or shape.size in sizes
        if not all(map(is_finished, (folders := _folders(study, shape)).values()))
    ]
    if missing:
        texts = _texts(study, settings)
        tokenizer = _tokenizer(study, settings, texts)
        for shape, folders in missing:
            _train(shape, study, windows(study, texts, tokenizer), tokenizer, folders)


def train_tokenizer(study: Study) -> None:
    """Train the study's tokenizer, unless it is there. Raises as `pretrain`."""
    settings = _settings(study)
    _tokenizer(study, settings, _texts(study, settings))


def _settings(study: Study) -> Pretrain:
    if study.pretrain is None:
        msg = "the study has no [pretrain] section"
        raise StudyError(msg)
    return study.pretrain


def _folders(study: Study, shape: PretrainModel) -> dict[int, Path]:
    model = study.model(shape.size)
    return {step: Path(model.checkpoint_at(step)[0]) for step in model.steps}


def is_finished(folder: Path) -> bool:
    """Whether a checkpoint is there: it appears whole."""
    return (folder / "model.safetensors").exists()


def _texts(study: Study, settings: Pretrain) -> Texts:
    """For each language, and "" for the extra text, a way to read it from the start."""
    split_of = splitter(study)

    def of_language(language: str) -> Iterator[str]:
        documents = _documents(study.corpus.sources(language), study.corpus.key)
        return (one.text for one in documents if split_of(one) == "train")

    def extra() -> Iterator[str]:
        return (document.text for document in _documents(settings.extra))

    texts: Texts = {
        name: lambda name=name: of_language(name)  # type: ignore[misc]
        for name in study.corpus.languages
    }
    return texts | ({"": extra} if settings.extra else {})


def _documents(sources: Sequence[Source], key: str | None = None) -> Iterator[Document]:
    """Stream the documents of several sources, which take turns by their weights."""
    streams = [read_documents(source, key) for source in sources]
    weights = [source.weight for source in sources]
    return take_turns(streams, weights, lambda document: len(document.text))


def _tokenizer(study: Study, settings: Pretrain, texts: Texts) -> Any:
    """Train a byte-level BPE, or read the one that is there."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    place = study.tokenizer()[0]
    if not is_path(place) or (Path(place) / "tokenizer.json").exists():
        return load_tokenizer(study)
    bpe = Tokenizer(models.BPE())
    parts = pre_tokenizers.Split(Regex(SCRIPTS), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([parts, to_bytes])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocab_size,
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    some = (islice(read(), TOKENIZER_DOCUMENTS) for read in texts.values())
    bpe.train_from_iterator(chain.from_iterable(some), trainer)
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=bpe, bos_token=BOS)
    if study.corpus.tokenizer:  # else every checkpoint brings it along
        _save(Path(place), tokenizer)
    return tokenizer


def windows(study: Study, texts: Texts, tokenizer: Any) -> Iterator[list[int]]:
    """Endless windows of `context` tokens, BOS first, each language equally often."""
    settings = study.pretrain
    assert settings is not None
    draw = random.Random(settings.seed)
    streams = {}
    for name, read in texts.items():
        own = random.Random(f"{settings.seed}:{name}")
        streams[name] = _mixed(_cut(study, name, read, tokenizer), own)
    while True:
        extra = "" in texts and draw.random() < settings.extra_share
        yield next(streams["" if extra else draw.choice(study.corpus.languages)])


def _cut(
    study: Study, name: str, read: Callable[[], Iterator[str]], tokenizer: Any
) -> Iterator[list[int]]:
    """Read one kind of text over and over, each document cut into windows.

    What is left of a document is dropped, as are short ones, unless the corpus keeps or
    joins these: then the next document follows, behind a BOS unless they are joined.
    """
    corpus, bos = study.corpus, bos_token_id(study, tokenizer)
    size, end = corpus.context - 1, "\n" if corpus.join else ""
    for texts in (read() for _ in repeat(None)):
        found, held = False, list[int]()
        while some := list(islice(texts, TEXTS_AT_ONCE)):
            lines = [text + end for text in some]
            for token_id in tokens_of(tokenizer, lines):
                held += [bos] * (bool(held) and not corpus.join) + token_id
                while len(held) >= size:
                    found = True
                    yield [bos, *held[:size]]
                    held = held[size:]
                if not corpus.join and corpus.short == "skip":
                    held = []
        if not found:
            what = f"the training text in {name}" if name else "[pretrain] extra"
            msg = f"{what} has no document of {size} tokens; give more text, or lower "
            msg += "[corpus] context"
            raise CorpusError(msg)


def _mixed(items: Iterator[list[int]], draw: random.Random) -> Iterator[list[int]]:
    """Pass endless items on in random order, `SHUFFLED` of them held back."""
    held = list(islice(items, SHUFFLED))
    for item in items:
        place = draw.randrange(SHUFFLED)
        held[place], item = item, held[place]
        yield item


def _train(
    shape: PretrainModel,
    study: Study,
    data: Iterator[list[int]],
    tokenizer: Any,
    folders: dict[int, Path],
) -> None:
    """Next-token training: AdamW, linear warm-up, cosine to a tenth."""
    settings, last = study.pretrain, max(folders)
    assert settings is not None
    torch.manual_seed(settings.seed)
    model = _model(shape, n_token_ids(tokenizer), bos_token_id(study, tokenizer))
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    with bar(last, f"pretrain {shape.size}", "steps") as shown:
        for step in range(last + 1):
            if step in folders:
                _save(folders[step], model, tokenizer)
            if step == last:
                return
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * _rate(step, settings.warmup_steps, last)
            batch = torch.tensor(list(islice(data, settings.batch_windows)))
            model(input_ids=batch, labels=batch, use_cache=False).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            shown.update()


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


def _save(folder: Path, *parts: Any) -> None:
    """Write a model, a tokenizer or both, so that all is there or nothing.

    Of two processes that make the same, the first one's stays. Raises CheckpointError.
    """
    if is_finished(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}."
    for cut_short in folder.parent.glob(f"{prefix}*"):
        remove_below(cut_short)
    with (
        TemporaryDirectory(dir=folder.parent, prefix=prefix) as room,
        quiet_transformers(),
    ):
        unfinished = Path(room) / folder.name
        try:
            with os_errors(folder):
                for part in parts:
                    part.save_pretrained(unfinished)
            with suppress(FileExistsError):
                move_new(unfinished, folder)
        except FileNotFoundError as error:
            msg = f"{folder}: another process began to write it while this one slept; "
            raise CheckpointError(msg + "run it again and it goes on") from error
