"""Pairs and prompts: what is read, what is drawn, what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bisae.errors import CorpusError
from bisae.intervene.translation import Direction, Pair, Task, read_tasks
from bisae.intervene.translation.prompts import prompt
from bisae.study import Translation

TO_JA, TO_EN = Direction("en", "ja"), Direction("ja", "en")


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def numbered(n: int) -> list[dict[str, str]]:
    return [{"en": f"e{i}", "ja": f"j{i}"} for i in range(n)]


def tasks(
    *files: Path, languages: Sequence[str] = ("en", "ja"), seed: int = 0, **named: int
) -> dict[Direction, list[Task]]:
    request = Translation(files=tuple(map(str, files)), **named)
    return read_tasks(request, languages, seed)


def refusal(file: Path, shots: int = 4) -> str:
    with pytest.raises(CorpusError) as caught:
        tasks(file, shots=shots)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def evaluation(path: Path, rows: list[Any]) -> Path:
    """A data set as LLM-jp-eval writes it, other keys included."""
    message = {
        "instruction": "Translate.",
        "output_length": 300,
        "metrics": ["comet_wmt22"],
        "samples": rows,
        "language": "ja",
        "num_few_shots": 4,
    }
    path.write_text(json.dumps(message, ensure_ascii=False, indent=2), "utf-8")
    return path


def test_lines_are_translated_both_ways(tmp_path: Path) -> None:
    actual = tasks(lines(tmp_path / "p.jsonl", numbered(3)), shots=0)
    assert actual == {
        TO_JA: [Task(Pair(f"e{i}", f"j{i}"), ()) for i in range(3)],
        TO_EN: [Task(Pair(f"j{i}", f"e{i}"), ()) for i in range(3)],
    }


def test_of_three_languages_every_two_are_translated(tmp_path: Path) -> None:
    rows = [item | {"fr": f"f{i}"} for i, item in enumerate(numbered(3))]
    languages = ("en", "ja", "fr")
    three = tasks(lines(tmp_path / "p.jsonl", rows), shots=0, languages=languages)
    assert len(three) == 6
    assert three[Direction("fr", "ja")][0] == Task(Pair("f0", "j0"), ())
    two = tasks(lines(tmp_path / "q.jsonl", numbered(3)), shots=0, languages=languages)
    assert two.keys() == {TO_JA, TO_EN}


def test_shots_are_never_translated(tmp_path: Path) -> None:
    rows = numbered(30) * 2  # each twice: one is not shown before the other
    file = lines(tmp_path / "p.jsonl", rows)
    actual = tasks(file, pairs=20, shots=4)
    for of_way in actual.values():
        assert len({item.pair for item in of_way}) == len(of_way) == 20
        (shots,) = {item.shots for item in of_way}
        assert len(set(shots)) == 4
        assert not {*shots} & {item.pair for item in of_way}
    assert actual == tasks(file, pairs=20, shots=4)
    assert actual != tasks(file, pairs=20, shots=4, seed=1)


def test_data_sets_of_llm_jp_eval_have_the_direction_of_their_name(
    tmp_path: Path,
) -> None:
    rows = [{"input": f"e{i}", "output": f"j{i}"} for i in range(20)]
    back = [{"input": f"j{i}", "output": f"e{i}"} for i in range(20)]
    result = evaluation(tmp_path / "alt-e-to-j.json", rows)
    two = evaluation(tmp_path / "alt-j-to-e.json", back)
    assert tasks(result, pairs=5).keys() == {TO_JA}
    actual = tasks(result, two, pairs=5)
    same = lines(tmp_path / "p.jsonl", numbered(20))
    assert actual == tasks(same, pairs=5)  # the same sentences either way


def test_files_follow_each_other_with_shots_of_their_own(tmp_path: Path) -> None:
    files = [
        evaluation(
            tmp_path / f"{name}-e-to-j.json",
            [{"input": f"{name}{i}", "output": "x"} for i in range(9)],
        )
        for name in ("alt", "wikicorpus")
    ]
    actual = tasks(*files, pairs=3, shots=2)[TO_JA]
    names = [[pair.source.rstrip("012345678") for pair in (t.pair, *t.shots)]
             for t in actual]  # fmt: skip
    assert names == [["alt"] * 3] * 3 + [["wikicorpus"] * 3] * 3


def test_a_prompt_shows_pairs_and_asks() -> None:
    task = Task(Pair("The dog runs.", "犬が走る。"), (Pair("A cat.", "猫。"),))
    assert prompt(TO_JA, task) == "en: A cat.\nja: 猫。\nen: The dog runs.\nja:"


def test_a_text_is_one_line(tmp_path: Path) -> None:
    rows = [{"en": "one\ntwo\n", "ja": " x"}]
    (task,) = tasks(lines(tmp_path / "p.jsonl", rows), shots=0)[TO_JA]
    assert task.pair == Pair("one two", "x")


def test_no_such_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.jsonl").startswith(
        f"no file of pairs at {tmp_path}/no.jsonl; see"
    )


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("p.jsonl", '{"en": "a", "ja": "b"}\n{"en": 1,\n', "line 2 is not valid JSON"),
        ("p.jsonl", "[1]\n", "p.jsonl line 1 is not a JSON object"),
        ("p.jsonl", "\n", "p.jsonl has no pairs"),
        ("p.jsonl", '{"en": "a", "fr": "b"}', "line 1 has no fields for two of"),
        ("p.jsonl", '{"en": "a", "ja": "b"}\n\n{"en": "a"}', "line 3 has no text in "),
        ("p.jsonl", '{"en": "a", "ja": " "}', "line 1 has no text in the field 'ja'"),
        ("a-e-to-j.json", '{"samples":\n [1,}', "j.json line 2 is not valid JSON:"),
        ("a-e-to-j.json", '{"sample": []}', "a-e-to-j.json has no list `samples`"),
        ("a-e-to-j.json", '{"samples": [3]}', "sample 1 has no text in the field 'inp"),
        ("a-e-to-j.json", '{"samples": []}', "a-e-to-j.json has no pairs"),
        ("pairs.json", "{}", "the name of a data set of LLM-jp-eval gives its dir"),
        ("a-e-to-f.json", "{}", "the name of a data set of LLM-jp-eval gives its dir"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert told in refusal(tmp_path / name)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b"\xff\xfe")
    assert "p.jsonl cannot be read" in refusal(tmp_path / "p.jsonl")


def test_too_few_pairs_for_the_shots(tmp_path: Path) -> None:
    file = lines(tmp_path / "p.jsonl", numbered(3))
    assert len(tasks(file, shots=2)[TO_JA]) == 1
    result = "p.jsonl has 3 pairs, too few for 3 shots and one to translate; lower"
    assert result in refusal(file, shots=3)
