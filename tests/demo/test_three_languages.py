"""Three languages, documents shorter than a window, greedy clusters: end to end."""

import json
import random
from collections import Counter

import pytest

from bisae.checks import failures, validate
from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.pretrain import pretrain
from bisae.query import Connection, connect
from bisae.store import Store
from bisae.study import load_study

STUDY = """
name = "three"

[corpus]
tokenizer = "./checkpoints/tokenizer"
context = 16
short = "keep"
train_tokens = 6_000
valid_share = 0.05
eval_tokens = 3_000
heldout_tokens = 600

[[corpus.text]]
language = "de"
files = ["de.jsonl"]

[[corpus.text]]
language = "fr"
files = ["fr.jsonl"]

[[corpus.text]]
language = "it"
files = ["it.jsonl"]

[[models]]
size = "XS"
checkpoint = "./checkpoints/{size}/{step}"
steps = [0, 20]
tokens_per_step = 128

[sae]
n_features = 64
k = 4
batch_tokens = 256
warmup_steps = 5

[lm]
device = "cpu"
eval_ce_tokens = 200

[features]
semantic_threshold = "null:1e-2"
clustering = "greedy"
min_firings = 5
min_documents = 3
null_sets = 10

[pretrain]
vocab_size = 300
batch_windows = 8

[[pretrain.models]]
size = "XS"
d_model = 16
n_layers = 2
n_heads = 2
"""
WORDS = {
    "de": ["haus", "baum", "wasser", "2", "."],
    "fr": ["maison", "arbre", "eau", "2", "."],
    "it": ["casa", "albero", "acqua", "2", "."],
}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("three")
    draw = random.Random(0)
    for name, words in WORDS.items():
        texts = [
            " ".join([str(number), *draw.choices(words, k=draw.randint(3, 12))])
            for number in range(900)
        ]
        lines = (json.dumps({"text": text}) + "\n" for text in texts)
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "study.toml").write_text(STUDY)
    study = load_study(folder / "study.toml")
    pretrain(study)
    return build(study, Selection())


@pytest.fixture(scope="module")
def con(three: Store) -> Connection:
    return connect(three)


def test_each_language_has_the_same_tokens(three: Store, con: Connection) -> None:
    counts = con.execute("select language, count(*) from tokens group by 1").fetchall()
    assert {language for language, _ in counts} == set(WORDS)
    assert len({n for _, n in counts}) == 1
    lengths = [n for block in three.documents("eval") for n in block.length]
    assert 1 < min(lengths) < max(lengths) == three.study.corpus.context - 1


def test_nothing_stands_beyond_a_documents_end(three: Store, con: Connection) -> None:
    width = three.study.corpus.context - 1
    real = {row for (row,) in con.execute("select token_row from tokens").fetchall()}
    for block in three.documents("eval"):
        for location, length in enumerate(block.length):
            first = (block.first + location) * width
            assert {first + i in real for i in range(length)} == {True}
            assert not any(first + i in real for i in range(length, width))
    cell = three.study.cells[-1]
    used = [
        r + b.first for b in three.codes(cell) for r, v in enumerate(b.value) if v[0]
    ]
    assert set(used) <= real


def test_classes_are_counted_in_plain_python(three: Store, con: Connection) -> None:
    size, step, layer = three.study.cells[-1]
    where = f"size = '{size}' and step = {step} and layer = {layer}"
    fired = con.execute(
        "select feature, language from firings join tokens using (token_row) "
        f"where {where}"
    ).fetchall()
    counts: dict[int, Counter[str]] = {}
    for feature, language in fired:
        counts.setdefault(feature, Counter())[language] += 1
    classes = {}
    for feature, by_language in counts.items():
        (language, most), *_ = by_language.most_common()
        classes[feature] = language if most / by_language.total() > 0.9 else "mixed"
    result = con.execute(f"select feature, language from features where {where}")
    assert dict(result.fetchall()) == classes
    shares = con.execute(
        f"select language, n_features from trend_languages where {where} "
        "and population = 'alive'"
    ).fetchall()
    expected = Counter(classes.values())
    assert dict(shares) == {name: expected[name] for name in (*WORDS, "mixed")}


def test_every_check_passes_for_three_languages(three: Store) -> None:
    assert failures(validate(three)) == []
