"""Train the tiny language models of a study's [pretrain] section.

Reads the training split's text; writes a tokenizer and ordinary checkpoints, one folder
per step, at the paths of the study's models.
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
    shuffled,
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
# Without spaces the BPE would merge across words; scripts separate most Japanese words.
SCRIPTS = r" ?\p{Han}+| ?\p{Hiragana}+| ?[\p{Katakana}ー]+"
TOKENIZER_DOCUMENTS = 10_000
TEXTS_AT_ONCE = 256
SHUFFLE_WINDOWS = 4096
"""Size of the shuffle buffer of each kind of text, in windows."""

Texts = dict[str, Callable[[], Iterator[str]]]


def pretrain(study: Study, sizes: Collection[str] | None = None) -> None:
    """Train every missing checkpoint, of some sizes or of all.

    A size that lacks one starts from scratch. Raises StudyError without [pretrain],
    CorpusError without enough text for a window.
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
    """Train the study's tokenizer, unless it exists. Raises as `pretrain`."""
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
    """Return true if a checkpoint exists; it is written atomically."""
    return (folder / "model.safetensors").exists()


def _texts(study: Study, settings: Pretrain) -> Texts:
    """Return a function that reads the text of each language, "" being extra text."""
    split_of = splitter(study)

    def of_language(language: str) -> Iterator[str]:
        documents = _stream_documents(study.corpus.sources(language), study.corpus.key)
        return (
            document.text for document in documents if split_of(document) == "train"
        )

    def extra() -> Iterator[str]:
        return (document.text for document in _stream_documents(settings.extra))

    texts: Texts = {
        name: lambda name=name: of_language(name)  # type: ignore[misc]
        for name in study.corpus.languages
    }
    return texts | ({"": extra} if settings.extra else {})


def _stream_documents(
    sources: Sequence[Source], key: str | None = None
) -> Iterator[Document]:
    """Stream the documents of several sources, interleaved by their weights."""
    streams = [read_documents(source, key) for source in sources]
    weights = [source.weight for source in sources]
    return take_turns(streams, weights, lambda document: len(document.text))


def _tokenizer(study: Study, settings: Pretrain, texts: Texts) -> Any:
    """Train a byte-level BPE, or load the one that exists."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    path = study.tokenizer()[0]
    if not is_path(path) or (Path(path) / "tokenizer.json").exists():
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
    documents = (islice(read(), TOKENIZER_DOCUMENTS) for read in texts.values())
    bpe.train_from_iterator(chain.from_iterable(documents), trainer)
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=bpe, bos_token=BOS)
    if study.corpus.tokenizer:  # otherwise every checkpoint contains it
        _save(Path(path), tokenizer)
    return tokenizer


def windows(study: Study, texts: Texts, tokenizer: Any) -> Iterator[list[int]]:
    """Yield windows of `context` tokens endlessly, BOS first.

    Each language is drawn equally often.
    """
    settings = study.pretrain
    assert settings is not None
    draw = random.Random(settings.seed)
    streams = {}
    for name, read in texts.items():
        shuffle = random.Random(f"{settings.seed}:{name}")
        cut = _cut_windows(study, name, read, tokenizer)
        streams[name] = shuffled(cut, SHUFFLE_WINDOWS, shuffle)
    while True:
        extra = "" in texts and draw.random() < settings.extra_share
        yield next(streams["" if extra else draw.choice(study.corpus.languages)])


def _cut_windows(
    study: Study, name: str, read: Callable[[], Iterator[str]], tokenizer: Any
) -> Iterator[list[int]]:
    """Read one kind of text repeatedly and cut each document into windows.

    Short documents and the ends of documents are dropped, unless the corpus keeps or
    joins short ones: then the next document follows, after a BOS unless they are
    joined.
    """
    corpus, bos = study.corpus, bos_token_id(study, tokenizer)
    size, end = corpus.context - 1, "\n" if corpus.join else ""
    for texts in (read() for _ in repeat(None)):
        has_window, pending = False, list[int]()
        while batch := list(islice(texts, TEXTS_AT_ONCE)):
            lines = [text + end for text in batch]
            for token_id in tokens_of(tokenizer, lines):
                pending += [bos] * (bool(pending) and not corpus.join) + token_id
                while len(pending) >= size:
                    has_window = True
                    yield [bos, *pending[:size]]
                    pending = pending[size:]
                if not corpus.join and corpus.short == "skip":
                    pending = []
        if not has_window:
            source = f"the training text in {name}" if name else "[pretrain] extra"
            msg = (
                f"{source} has no document of {size} tokens; give more text, or lower "
            )
            msg += "[corpus] context"
            raise CorpusError(msg)


def _train(
    shape: PretrainModel,
    study: Study,
    data: Iterator[list[int]],
    tokenizer: Any,
    folders: dict[int, Path],
) -> None:
    """Train on next tokens: AdamW, linear warm-up, cosine decay to a tenth."""
    settings, last = study.pretrain, max(folders)
    assert settings is not None
    torch.manual_seed(settings.seed)
    model = _model(shape, n_token_ids(tokenizer), bos_token_id(study, tokenizer))
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    with bar(last, f"pretrain {shape.size}", "steps") as progress:
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
            progress.update()


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
    """Write a model, a tokenizer or both, atomically.

    If two processes write the same folder, the first one's stays. Raises
    CheckpointError.
    """
    if is_finished(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}."
    for cut_short in folder.parent.glob(f"{prefix}*"):
        remove_below(cut_short)
    with (
        TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch,
        quiet_transformers(),
    ):
        unfinished = Path(scratch) / folder.name
        try:
            with os_errors(folder):
                for piece in parts:
                    piece.save_pretrained(unfinished)
            with suppress(FileExistsError):
                move_new(unfinished, folder)
        except FileNotFoundError as error:
            msg = f"{folder}: another process began to write it while this one slept; "
            raise CheckpointError(msg + "run it again and it goes on") from error
