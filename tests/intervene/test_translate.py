"""Translations of the tiny study, their scores, and how a run goes on."""

import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from bisae.corpus import load_tokenizer
from bisae.errors import StudyError
from bisae.files import remove
from bisae.grid import Cell, Checkpoint, Selection
from bisae.intervene.translation import (
    Direction,
    Scorer,
    Translated,
    TranslationJob,
    TranslationSetting,
    check_prompts,
    is_translated,
    make_job,
    translate,
)
from bisae.lm import LanguageModel, Lockstep, Steer, generate
from bisae.lm.opening import open_model
from bisae.query import connect
from bisae.store import Store, open_store
from bisae.store.verify import verify
from bisae.study import Study
from support.rows import Row, assert_same, planted, rows_of
from support.store_copy import copy_store

MID = Cell("M", 5, 1)
BASELINE = TranslationSetting("m", "baseline", 0.0, 0, 0, scale_back=False, b_pre=True)
MIXED = BASELINE._replace(added="mixed", alpha=0.1, m=7)
MADE_OF = {"codes of": "the full model"}


def double(states: Tensor) -> Tensor:
    return states.float()


SETTINGS: dict[TranslationSetting, Steer | None] = {BASELINE: None, MIXED: double}
Models = tuple[LanguageModel, LanguageModel]


@pytest.fixture(scope="module")
def models(tiny: Store) -> Models:
    return open_model(tiny, Checkpoint("M", 5)), open_model(tiny, Checkpoint("M", 40))


@pytest.fixture(scope="module")
def done(
    tiny: Store, models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """A copy of the tiny store with translations; its work_dir is its own."""
    folder = tmp_path_factory.mktemp("translated")
    copy_store(tiny, folder / "store")
    store = changed(open_store(folder / "store"), work_dir=str(folder / "work"))
    translate(job_of(store), *models, SETTINGS)
    return store


def changed(store: Store, **update: Any) -> Store:
    """The store, asked with another study."""
    return Store(store.path, store.study.model_copy(update=update))


def asking(study: Study, **update: Any) -> dict[str, Any]:
    """What of the study changes so that its translation does."""
    section = study.intervention
    assert section
    assert section.translation
    translation = section.translation.model_copy(update=update)
    request = section.model_copy(update={"translation": translation})
    return {"intervention": request}


def job_of(store: Store) -> TranslationJob:
    return make_job(store, MID, 40, MADE_OF)


def rows(store: Store, query: str) -> list[Row]:
    return rows_of(connect(store, query=query), query)


def test_each_setting_translates_each_pair_both_ways(done: Store) -> None:
    actual = rows(done, "from translations order by all")
    counts = Counter((item["added"], item["source_language"]) for item in actual)
    expected = {(a, lang): 6 for a in ("baseline", "mixed") for lang in ("en", "ja")}
    assert counts == expected
    pairs = Path(job_of(done).section.files[0]).read_text("utf-8").splitlines()
    attributes = {tuple(json.loads(line).values()) for line in pairs}
    for item in actual:
        assert (item["size"], item["step"], item["layer"]) == MID
        pair = (item["source"], item["reference"])
        assert (pair if item["source_language"] == "en" else pair[::-1]) in attributes


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_translation_is_what_is_written_after_its_prompt(
    done: Store, models: Models, setting: TranslationSetting
) -> None:
    mid, full = models
    add, job, tokenizer = SETTINGS[setting], job_of(done), load_tokenizer(done.study)
    beside = Lockstep(full, 1, add) if add else None
    for way, prompts in job.prompts.items():
        query = (
            f"from translations where added = '{setting.added}' "
            f"and source_language = '{way.source}' order by pair"
        )
        for row, prompt in zip(rows(done, query), prompts, strict=True):
            ids = tokenizer(prompt, add_special_tokens=False).input_ids
            (written,) = generate(mid, [[tokenizer.bos_token_id, *ids]], 8, [], beside)
            text = tokenizer.decode(written, skip_special_tokens=True)
            assert row["translation"] == text.split("\n")[0].strip()
            assert prompt.endswith(f"{way.source}: {row['source']}\n{way.target}:")


def test_what_is_added_changes_translations(done: Store) -> None:
    query = "select added, translation from translations order by all"
    actual: dict[str, list[str]] = {"baseline": [], "mixed": []}
    for row in rows(done, query):
        actual[row["added"]].append(row["translation"])
    assert actual["baseline"] != actual["mixed"]


def chrf(found: list[Row]) -> float:
    """chrF of all texts together, from its definition: F2 of mean precision and recall
    over n-grams of six lengths."""
    precisions, recalls = [], []
    for n in range(1, 7):
        hits = ours = theirs = 0
        for row in found:
            parts = []
            for text in (row["translation"], row["reference"]):
                letters = "".join(text.split())
                grams = [letters[i : i + n] for i in range(len(letters) - n + 1)]
                parts.append(Counter(grams))
            hits += (parts[0] & parts[1]).total()
            ours, theirs = ours + parts[0].total(), theirs + parts[1].total()
        precisions.append(hits / ours)
        recalls.append(hits / theirs)
    p, r = sum(precisions) / 6, sum(recalls) / 6
    return 100 * 5 * p * r / (4 * p + r) if p else 0.0


def test_scores_are_of_all_pairs_together(done: Store) -> None:
    actual = rows(done, "from translation_scores where metric = 'chrf'")
    assert len(actual) == 4
    for score in actual:
        way, added = score["source_language"], score["added"]
        result = rows(
            done,
            f"from translations where source_language = '{way}' and added = '{added}'",
        )
        assert score["n_pairs"] == 6
        assert score["score"] == pytest.approx(chrf(result))
        assert score["signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0")


def test_bleu_counts_characters_of_what_nothing_parts() -> None:
    result = Translated("x", "猫が犬を見る。", "猫が犬を見た。")
    ja, en = (Scorer(None).scores([result], target)[1] for target in ("ja", "en"))
    assert (ja.metric, en.metric) == ("bleu", "bleu")
    assert "|tok:char|" in ja.signature
    assert "|tok:13a|" in en.signature
    # 6 of 7 characters, 4 of 6 pairs, 3 of 5 triples, 2 of 4 of four.
    precisions = (6 / 7, 4 / 6, 3 / 5, 2 / 4)
    assert ja.score == pytest.approx(100 * math.prod(precisions) ** 0.25)
    assert en.score == 0


@pytest.fixture
def again(done: Store, tmp_path: Path) -> Store:
    """A copy of what was translated, to change."""
    copy_store(done, tmp_path / "store")
    shutil.copytree(done.study.work_dir, tmp_path / "work")
    return changed(open_store(tmp_path / "store"), work_dir=str(tmp_path / "work"))


def counting(add: Callable[[Tensor], Tensor]) -> tuple[list[int], Steer]:
    """An addition that counts how often it is made."""
    calls: list[int] = []

    def counted(states: Tensor) -> Tensor:
        calls.append(len(states))
        return add(states)

    return calls, counted


def test_what_is_translated_is_not_translated_again(
    again: Store, models: Models
) -> None:
    job, (calls, add) = job_of(again), counting(double)
    assert is_translated(job, SETTINGS)
    remove(again.tables / "translations")
    assert not is_translated(job, SETTINGS)
    before = rows(again, "from translation_scores order by all")
    remaining = next((Path(again.study.work_dir) / "translations").iterdir())
    translate(job, *models, SETTINGS | {MIXED: add})
    assert calls == []
    assert is_translated(job, SETTINGS)
    assert rows(again, "from translation_scores order by all") == before
    more = MIXED._replace(draw=1)
    translate(job, *models, SETTINGS | {more: add})
    n = len(calls)
    assert n > 0
    assert not is_translated(job, SETTINGS)
    remaining.unlink()  # one setting and direction of four
    translate(job, *models, SETTINGS)
    assert len(rows(again, "from translations")) == 24


def test_a_run_that_stopped_goes_on(again: Store, models: Models) -> None:
    before = rows(again, "from translations order by all")
    shutil.rmtree(again.study.work_dir)
    remove(again.tables / "translations")
    calls, add = counting(double)

    def stopping(states: Tensor) -> Tensor:
        if len(calls) == 20:  # in the second direction
            raise KeyboardInterrupt
        return add(states)

    job = job_of(again)
    with pytest.raises(KeyboardInterrupt):
        translate(job, *models, SETTINGS | {MIXED: stopping})
    assert not (again.tables / "translations").exists()
    files = list((Path(again.study.work_dir) / "translations").iterdir())
    assert len(files) == 3
    files[0].write_text("[")  # damaged meanwhile
    translate(job, *models, SETTINGS)
    assert rows(again, "from translations order by all") == before


@pytest.mark.parametrize(
    "update", [{"pairs": 5}, {"shots": 2}, {"max_new_tokens": 9}, {"comet": "/"}]
)
def test_tables_hang_on_what_is_asked(done: Store, update: dict[str, Any]) -> None:
    job = job_of(done)
    assert is_translated(job, SETTINGS)
    second = job._replace(section=job.section.model_copy(update=update))
    if "comet" not in update:
        study = done.study.model_copy(update=asking(done.study, **update))
        second = job_of(Store(done.path, study))
    assert not is_translated(second, SETTINGS)
    assert not is_translated(make_job(done, MID, 40, {"other": 1}), SETTINGS)


def test_tables_are_verified(again: Store) -> None:
    assert not verify(again, Selection()).findings
    file = next((again.tables / "translation_scores").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    (finding,) = verify(again, Selection()).findings
    assert "`bisae intervene` makes it again" in str(finding)


def refusal(store: Store, **update: Any) -> str:
    study = store.study.model_copy(update=asking(store.study, **update))
    with pytest.raises(StudyError) as caught:
        make_job(Store(store.path, study), MID, 40, MADE_OF)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_comet_is_not_there(tiny: Store, tmp_path: Path) -> None:
    assert refusal(tiny, comet=str(tmp_path / "no")).startswith(
        f"[intervention.translation] comet: no weights at {tmp_path}/no"
    )
    lm = tiny.study.lm.model_copy(update={"trust_remote_code": True})
    trusted = Store(tiny.path, tiny.study.model_copy(update={"lm": lm}))
    result = "comet needs the package unbabel-comet, which is not installed"
    assert result in refusal(trusted, comet=str(tmp_path))


def test_a_study_without_the_section(tiny: Store) -> None:
    study = tiny.study.model_copy(update={"intervention": None})
    with pytest.raises(StudyError, match=r"tiny: the study has no \[intervention.tra"):
        make_job(Store(tiny.path, study), MID, 40, MADE_OF)


def test_a_prompt_that_is_too_long(done: Store, models: Models) -> None:
    study = done.study.model_copy(update=asking(done.study, max_new_tokens=2040))
    job = job_of(Store(done.path, study))
    result = r"takes 21\d\d tokens, the model has positions for 2048; lower shots or"
    with pytest.raises(StudyError, match=result):
        check_prompts(job, [lm.shape for lm in models])


def score(added: str, draw: int, value: float, **named: Any) -> Row:
    setting = BASELINE._replace(added=added, draw=draw, alpha=0.1)._asdict()
    address = {"size": "M", "step": 5, "layer": 1, "full_step": 40}
    way = Direction("en", "ja")
    result: Row = {"source_language": way.source, "target_language": way.target}
    result |= {"metric": "chrf", "score": value, "n_pairs": 6, "signature": "s"}
    return address | setting | result | named


def test_differences_are_to_the_baseline_and_to_b_pre_alone() -> None:
    scores = [
        score("baseline", 0, 20.0, alpha=0.0),
        score("none", 0, 19.0),
        score("none", 0, 11.0, scale_back=True),
        *(score("mixed", draw, 21.0 + 2 * draw) for draw in range(3)),
        score("mixed", 0, 9.0, scale_back=True),
        score("mixed", 0, 3.0, metric="bleu"),
    ]
    actual = rows_of(
        planted({"translation_scores": scores}, "translation_differences"),
        "from translation_differences",
    )
    key = ("added", "scale_back", "metric")
    names = (*key, "n_draws", "score", "spread", "difference", "difference_none")
    expected = [
        ("baseline", False, "chrf", 1, 20.0, None, 0.0, None),
        ("none", False, "chrf", 1, 19.0, None, -1.0, 0.0),
        ("none", True, "chrf", 1, 11.0, None, -9.0, 0.0),
        ("mixed", False, "chrf", 3, 23.0, 2.0, 3.0, 4.0),
        ("mixed", True, "chrf", 1, 9.0, None, -11.0, -2.0),
        ("mixed", False, "bleu", 1, 3.0, None, None, None),
    ]
    assert_same(
        actual, [dict(zip(names, item, strict=True)) for item in expected], *key
    )
