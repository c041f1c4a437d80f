"""Tiny models from tiny text: whole checkpoints, made once, of training text alone."""

import json
import math
import os
import re
from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bisae.corpus import Document, load_tokenizer, read_documents, splitter
from bisae.errors import AddressError, CorpusError, StudyError
from bisae.pretrain import is_finished, perplexities, pretrain, state, train
from bisae.pretrain import texts as reading
from bisae.pretrain import windows as cutting
from bisae.pretrain.checkpoints import write_checkpoint
from bisae.pretrain.texts import EXTRA, PARALLEL, training_texts
from bisae.pretrain.tokenizer import ensure_tokenizer
from bisae.pretrain.windows import training_windows
from bisae.study import (
    ParallelText,
    Pretrain,
    PretrainModel,
    Source,
    Study,
    Text,
    load_study,
)

STEPS = (0, 5, 60)
CONTEXT = 16
STUDY = """
name = "words"

[corpus]
tokenizer = "./tokenizer"
context = 16
train_tokens = 7_000
eval_tokens = 2_000
heldout_tokens = 1_000

[[corpus.text]]
language = "de"
files = ["de.jsonl"]

[[corpus.text]]
language = "fr"
files = ["fr.jsonl"]

[[models]]
size = "one"
checkpoint = "./checkpoints/{size}/{step}"
steps = [0, 5, 60]
tokens_per_step = 128

[[models]]
size = "two"
checkpoint = "./checkpoints/{size}/{step}"
steps = [0, 5, 60]
tokens_per_step = 128

[pretrain]
vocab_size = 400
batch_windows = 8
lr = 1e-2
warmup_steps = 5
extra_share = 0.25

[[pretrain.models]]
size = "one"
d_model = 16
n_layers = 1
n_heads = 2

[[pretrain.models]]
size = "two"
d_model = 32
n_layers = 2
n_heads = 2

[[pretrain.extra]]
files = ["extra.jsonl"]
"""
WORDS = {
    "de": ["haus", "baum", "wasser", "garten", "stein"],
    "fr": ["maison", "arbre", "eau", "jardin", "pierre"],
    "extra": ["uno", "due", "tre", "quattro", "cinque"],
}
MARKER = "QZX"
"""Stands in the text of other splits than train, and nowhere else."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return made(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def trained(study: Study) -> Study:
    pretrain(study)
    return study


def made(folder: Path, toml: str = STUDY) -> Study:
    """Write study and text, the marker put where a text is in no training split."""
    (folder / "study.toml").write_text(toml)
    study = load_study(folder / "study.toml")
    split_of = splitter(study)
    draw = Random(0)
    for name, words in WORDS.items():
        texts = [" ".join(draw.choices(words, k=30)) for _ in range(300)]
        if name != "extra":
            marked = (f"{MARKER} {text} {MARKER}" for text in texts)
            texts = [
                text
                for pair in zip(texts, marked, strict=True)
                for text in pair
                if (split_of(Document(text, "")) == "train") == (text in texts)
            ]
        lines = (json.dumps({"text": text}) + "\n" for text in texts)
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return study


def folder_of(study: Study, size: str, step: int) -> Path:
    return Path(study.model(size).checkpoint_at(step)[0])


def some_windows(study: Study, n: int = 2000) -> list[str]:
    """The first windows that a model is trained on, as text."""
    tokenizer = load_tokenizer(study)
    texts = training_texts(study, splitter(study))
    actual = list(islice(training_windows(study, texts, tokenizer), n))
    assert {len(item) for item in actual} == {CONTEXT}
    assert {item[0] for item in actual} == {tokenizer.bos_token_id}
    return [str(tokenizer.decode(item)) for item in actual]


def kind(window: str) -> str:
    hits = {n: sum(window.count(w) for w in words) for n, words in WORDS.items()}
    return max(hits, key=lambda name: hits[name])


@pytest.mark.parametrize("size", ["one", "two"])
@pytest.mark.parametrize("step", STEPS)
def test_checkpoints_are_ordinary_ones(trained: Study, size: str, step: int) -> None:
    folder = folder_of(trained, size, step)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.hidden_size == {"one": 16, "two": 32}[size]
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.decode(tokenizer("jardin haus").input_ids) == "jardin haus"
    assert tokenizer.bos_token_id == model.config.bos_token_id
    assert not list(folder.parent.glob(".*"))  # nothing half written stays


@pytest.mark.parametrize("size", ["one", "two"])
def test_the_loss_falls(trained: Study, size: str) -> None:
    tokenizer = load_tokenizer(trained)
    ids = torch.tensor(tokenizer("haus baum stein garten wasser haus").input_ids)[None]
    losses = []
    for step in STEPS:
        location = folder_of(trained, size, step)
        model: Any = AutoModelForCausalLM.from_pretrained(location)
        losses.append(model(input_ids=ids, labels=ids).loss.item())
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.6 * losses[0]


def test_what_is_finished_is_not_touched(
    trained: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> Iterator[Document]:
        pytest.fail("the text is read again")

    monkeypatch.setattr(reading, "read_documents", read)
    pretrain(trained)


def test_one_size_is_trained_alone(tmp_path: Path, trained: Study) -> None:
    study = made(tmp_path)
    pretrain(study, ["two"])
    assert not (tmp_path / "checkpoints" / "one").exists()
    weights = [
        (folder_of(s, "two", STEPS[-1]) / "model.safetensors").read_bytes()
        for s in (study, trained)
    ]
    assert weights[0] == weights[1]


def test_a_size_that_is_not_pretrained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="no size tow in this study: the nearest is"):
        pretrain(made(tmp_path), ["tow"])


def test_a_size_without_a_state_starts_anew(tmp_path: Path, trained: Study) -> None:
    study = made(tmp_path)

    def crash(shape: Any, *rest: Any) -> Any:
        if shape.size == "two":
            raise KeyboardInterrupt
        return model(shape, *rest)

    model = train._model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_model", crash)
        with pytest.raises(KeyboardInterrupt):
            pretrain(study)
    remaining = [folder_of(study, "one", step) / "model.safetensors" for step in STEPS]
    remaining.append(tmp_path / "tokenizer" / "tokenizer.json")
    before = [file.stat().st_mtime_ns for file in remaining]
    half = tmp_path / "checkpoints" / "two" / ".5.partial"
    half.mkdir(parents=True)
    (half / "junk").touch()
    os.utime(half, (0, 0))
    pretrain(study)
    assert [file.stat().st_mtime_ns for file in remaining] == before
    names = {path.name for path in half.parent.iterdir()}
    assert names == {str(step) for step in STEPS}
    assert not list(half.parent.rglob("junk"))
    for step in STEPS:  # the same study makes the same weights
        files = [
            folder_of(s, "two", step) / "model.safetensors" for s in (study, trained)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_an_interrupted_size_continues(tmp_path: Path, trained: Study) -> None:
    """A training that is killed at step 40 goes on at 39, with identical weights."""
    study = made(tmp_path)
    calls = []

    def killed(step: int, *rest: int) -> float:
        calls.append(step)
        if step == 40:
            raise KeyboardInterrupt
        return rate(step, *rest)

    def seen(step: int, *rest: int) -> float:
        calls.append(step)
        return rate(step, *rest)

    rate = train._rate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_rate", killed)
        patch.setattr(state, "SAVE_EVERY", 0.0)
        with pytest.raises(KeyboardInterrupt):
            pretrain(study, ["two"])
        patch.setattr(train, "_rate", seen)
        pretrain(study, ["two"])
    assert calls == [*range(41), *range(40, 60)]
    files = [folder_of(s, "two", 60) / "model.safetensors" for s in (study, trained)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not list((Path(study.work_dir) / "pretrain").iterdir())


@pytest.mark.parametrize(
    ("change", "reason"),
    [("lr", "was saved under other settings"), ("bytes", "is damaged")],
)
def test_a_state_of_no_use_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, reason: str
) -> None:
    study = made(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "SAVE_EVERY", 0.0)
        patch.setattr(train, "write_checkpoint", fail_at(folder_of(study, "one", 5)))
        with pytest.raises(KeyboardInterrupt):
            pretrain(study, ["one"])
    file = Path(study.work_dir) / "pretrain" / "one.safetensors"
    assert file.exists()
    if change == "bytes":
        file.write_bytes(file.read_bytes()[:100])
    else:
        toml = STUDY.replace("lr = 1e-2", "lr = 2e-2")
        (tmp_path / "study.toml").write_text(toml)
        study = load_study(tmp_path / "study.toml")
    pretrain(study, ["one"])
    assert f"{file} {reason}" in capsys.readouterr().err
    assert all(is_finished(folder_of(study, "one", step)) for step in STEPS)


def fail_at(folder: Path) -> Any:
    def write(where: Path, *parts: Any, **rest: Any) -> None:
        if where == folder:
            raise KeyboardInterrupt
        write_checkpoint(where, *parts, **rest)

    return write


def test_gradients_do_not_depend_on_the_windows_at_once() -> None:
    batch = torch.randint(50, (5, 7), generator=torch.Generator().manual_seed(0))
    shape = PretrainModel(size="", d_model=8, n_layers=1, n_heads=2)
    gradients = []
    for windows_at_once in (5, 2):
        torch.manual_seed(0)
        model = train._model(shape, 50, 0)
        train._add_gradients(model, batch, windows_at_once)
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert gradients[0].abs().max() > 0.01
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-4)


def test_perplexity_is_of_heldout_text(trained: Study) -> None:
    """As computed token by token from the split's documents."""
    tokenizer, split_of = load_tokenizer(trained), splitter(trained)
    rows = {row[:3]: row[3:] for row in perplexities(trained).values}
    assert set(rows) == {
        (size, step, language)
        for size in ("one", "two")
        for step in STEPS
        for language in ("de", "fr")
    }
    (french,) = trained.corpus.sources("fr")
    documents = [d.text for d in read_documents(french) if split_of(d) == "heldout"]
    encoded = [tokenizer(text).input_ids for text in documents]
    windows = [
        [tokenizer.bos_token_id, *ids[first : first + CONTEXT - 1]]
        for ids in encoded
        for first in range(0, len(ids) - CONTEXT + 2, CONTEXT - 1)
    ]
    model: Any = AutoModelForCausalLM.from_pretrained(folder_of(trained, "two", 60))
    nll = [
        -model(input_ids=torch.tensor([window]))
        .logits[0, position]
        .log_softmax(-1)[window[position + 1]]
        .item()
        for window in windows[:256]
        for position in range(CONTEXT - 1)
    ]
    n_tokens, perplexity = rows["two", 60, "fr"]
    assert n_tokens == len(nll) > 200
    assert perplexity == pytest.approx(math.exp(sum(nll) / len(nll)), rel=1e-5)
    assert perplexity < 0.5 * rows["two", 0, "fr"][1]


def parallel_study(folder: Path, pairing: str) -> Study:
    """A quarter of the windows hold `de <n>` and `fr <n>`, where n is the row."""
    made(folder)
    toml = f"""
[pretrain.parallel]
files = ["pairs.jsonl"]
share = 0.25
pairing = "{pairing}"
"""
    (folder / "study.toml").write_text(STUDY + toml)
    rows = [
        {name: " ".join([name, str(n)] * 5) for name in ("de", "fr")}
        for n in range(100, 400)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return load_study(folder / "study.toml")


@pytest.mark.parametrize("pairing", ["translations", "unrelated"])
def test_parallel_text_is_joined(tmp_path: Path, pairing: str) -> None:
    study = parallel_study(tmp_path, pairing)
    split_of = splitter(study)
    documents = list(islice(training_texts(study, split_of)[PARALLEL](), 1000))
    numbers = [sorted({*re.findall(r"\d+", text)}) for text in documents]
    assert {len(found) for found in numbers} == {1 if pairing == "translations" else 2}
    begins = {text[:2] for text in documents}
    assert begins == {"de", "fr"}  # in random order
    for text in documents:
        assert {line[:2] for line in text.split("\n")} == {"de", "fr"}
        assert {split_of(Document(line, "")) for line in text.split("\n")} == {"train"}
    sources = training_texts(study, split_of)
    tokenizer = ensure_tokenizer(study, sources.values())
    windows = training_windows(study, sources, tokenizer)
    texts = [tokenizer.decode(window) for window in islice(windows, 2000)]
    share = sum(bool(re.search(r"\d", text)) for text in texts) / len(texts)
    assert share == pytest.approx(0.25, abs=0.04)


def test_sources_take_turns_in_runs_of_documents(tmp_path: Path) -> None:
    """By weight from the beginning, and with few changes of the source."""
    for name in "ab":
        lines = [json.dumps({"text": f"{name}{n:03}"}) + "\n" for n in range(600)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    weights = {"a": 1, "b": 3}
    sources = [
        Source(files=(str(tmp_path / f"{name}.jsonl"),), weight=weight)
        for name, weight in weights.items()
    ]
    texts = [document.text for document in reading.stream(sources)]
    assert sorted(texts) == [f"{name}{n:03}" for name in "ab" for n in range(600)]
    runs = [len(list(run)) for _, run in groupby(texts, itemgetter(0))]
    assert all(length % reading.RUN == 0 for length in runs[:-2])
    share = sum(text[0] == "b" for text in texts[:640]) / 640
    assert share == pytest.approx(0.75, abs=0.05)


def test_files_of_parallel_text_take_turns(tmp_path: Path) -> None:
    study = parallel_study(tmp_path, "translations")
    lines = (tmp_path / "pairs.jsonl").read_text()
    (tmp_path / "more.jsonl").write_text(lines.replace("de 1", "de 9"))
    parallel = ParallelText(
        files=tuple(str(tmp_path / name) for name in ("pairs.jsonl", "more.jsonl"))
    )
    assert study.pretrain
    settings = study.pretrain.model_copy(update={"parallel": parallel})
    study = study.model_copy(update={"pretrain": settings})
    first = islice(training_texts(study, splitter(study))[PARALLEL](), 128)
    assert 30 < sum("de 9" in text for text in first) < 98


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match="share are more than all windows"):
        Pretrain.model_validate(
            {
                "models": [{"size": "a", "d_model": 8, "n_layers": 1, "n_heads": 2}],
                "extra": [{"files": ["a.txt"]}],
                "extra_share": 0.6,
                "parallel": {"files": ["b.jsonl"], "share": 0.5},
            }
        )


def test_a_checkpoint_is_whole_or_absent(tmp_path: Path) -> None:
    study = made(tmp_path)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(folder_of(study, "one", 0), Whole(), Broken())
    assert not folder_of(study, "one", 0).exists()


def test_of_two_that_write_a_checkpoint_at_once_the_first_stays(
    tmp_path: Path,
) -> None:
    """As when two sizes, trained side by side, both find no tokenizer."""
    folder = tmp_path / "tokenizer"

    class Slow(Whole):
        def save_pretrained(self, scratch: Path) -> None:
            super().save_pretrained(scratch)
            write_checkpoint(folder, Whole())
            (folder / "first").touch()

    write_checkpoint(folder, Slow())
    assert {file.name for file in folder.iterdir()} == {"model.safetensors", "first"}
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer"]


class Whole:
    """A part that is written without trouble."""

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "model.safetensors").touch()


class Broken:
    """A part for which the disk has no room."""

    def save_pretrained(self, _: Path) -> None:
        raise OSError(28, "No space left on device")


def test_only_training_text_is_read(trained: Study) -> None:
    marked = [
        document
        for source in trained.corpus.text
        for document in read_documents(source)
        if MARKER in document.text
    ]
    assert len(marked) > 100  # eval and the others have text
    assert not [text for text in some_windows(trained) if MARKER in text]


def test_shares_are_as_asked(trained: Study) -> None:
    kinds = [kind(text) for text in some_windows(trained)]
    share = {name: kinds.count(name) / len(kinds) for name in WORDS}
    assert share["extra"] == pytest.approx(0.25, abs=0.04)
    assert share["de"] == pytest.approx(0.375, abs=0.04)
    assert share["fr"] == pytest.approx(0.375, abs=0.04)


def test_sources_take_turns(tmp_path: Path) -> None:
    """A second source, of a language or of extra text, gives as much as the first."""
    study = made(tmp_path)
    assert study.pretrain
    for name in ("fr", "extra"):
        for number, words in (("1", 12), ("2", 3)):
            rows = [f"{number} {n} " + "eau " * words for n in range(2000)]
            lines = (json.dumps({"text": text}) + "\n" for text in rows)
            (tmp_path / f"{name}{number}.jsonl").write_text("".join(lines))
    sources = {
        name: [
            Text(language="fr", files=(f"{tmp_path}/{name}{number}.jsonl",))
            for number in "12"
        ]
        for name in ("fr", "extra")
    }
    corpus = study.corpus.model_copy(
        update={"text": (study.corpus.text[0], *sources["fr"])}
    )
    settings = study.pretrain.model_copy(update={"extra": tuple(sources["extra"])})
    changed = study.model_copy(update={"corpus": corpus, "pretrain": settings})
    texts = training_texts(changed, splitter(changed))
    for name in ("fr", EXTRA):
        first = list(islice(texts[name](), 1000))
        of_two = [text for text in first if text.startswith("2")]
        share = sum(map(len, of_two)) / sum(map(len, first))
        assert share == pytest.approx(0.5, abs=0.05)


def test_windows_are_mixed_and_repeatable(trained: Study) -> None:
    first, again = some_windows(trained, 200), some_windows(trained, 200)
    assert first == again
    assert len(set(first)) > 150


@pytest.mark.parametrize("how", ['short = "keep"', "join = true"])
def test_short_documents_are_packed_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(
        cutting, "SHUFFLE_WINDOWS", 64
    )  # so little text has few windows
    toml = STUDY.replace("context = 16", f"context = 16\n{how}")
    study = made(tmp_path, toml)
    for name, words in WORDS.items():
        texts = [" ".join([str(number), *words[:2]]) for number in range(300)]
        lines = (json.dumps({"text": text}) + "\n" for text in texts)
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    pretrain(study)
    bos = load_tokenizer(study).bos_token
    inner = {text.count(bos) > 1 for text in some_windows(study)}
    assert inner == {"keep" in how}


def test_too_short_text_is_an_error(tmp_path: Path) -> None:
    study = made(tmp_path)
    (tmp_path / "fr.jsonl").write_text(json.dumps({"text": "eau"}) + "\n")
    with pytest.raises(CorpusError, match="training text in fr has no document of 15"):
        pretrain(study)


def test_a_study_without_the_section_is_refused(tmp_path: Path) -> None:
    study = made(tmp_path, STUDY.partition("[pretrain]")[0])
    with pytest.raises(StudyError, match=r"no \[pretrain\] section"):
        pretrain(study)
