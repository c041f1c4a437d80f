"""Sentence pairs: those to translate, and those shown in the prompt.

Reads JSON Lines with a field for each language, or data sets of LLM-jp-eval: JSON whose
`samples` have `input` and `output`, in a file named by its direction, such as
alt-e-to-j.json.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from bisae.errors import CorpusError
from bisae.study import Translation

LETTERS = {"e": "en", "j": "ja"}
"""How LLM-jp-eval abbreviates languages in the names of its files."""


class Direction(NamedTuple):
    """The language translated from, and the one translated into."""

    source: str
    target: str


class Pair(NamedTuple):
    """A text and its reference translation."""

    source: str
    reference: str


class Task(NamedTuple):
    """A text to translate, and the pairs that the prompt shows before it."""

    pair: Pair
    shots: tuple[Pair, ...]


def read_tasks(
    section: Translation, languages: Sequence[str], seed: int
) -> dict[Direction, list[Task]]:
    """Read the tasks of each direction, file after file.

    The choice depends on the seed and on a file's number of pairs: of two files that
    hold the same sentences in opposite directions, the same sentences are chosen.
    Raises CorpusError, which names the file and the line.
    """
    tasks: dict[Direction, list[Task]] = {}
    for name in section.files:
        for direction, pairs in _read(Path(name), languages).items():
            chosen = _choose_tasks(name, pairs, section, Random(f"{seed}/pairs"))
            tasks.setdefault(direction, []).extend(chosen)
    return tasks


def _choose_tasks(
    name: str, pairs: list[Pair], section: Translation, rng: Random
) -> list[Task]:
    """Draw shots and pairs to translate; none is both."""
    if len(pairs) <= section.shots:
        msg = (
            f"{name} has {len(pairs)} pairs, too few for {section.shots} shots and one "
        )
        msg += "to translate; lower [intervention.translation] shots"
        raise CorpusError(msg)
    order = rng.sample(range(len(pairs)), len(pairs))
    shots = tuple(pairs[number] for number in order[: section.shots])
    rest = sorted(order[section.shots :][: section.pairs])
    return [Task(pairs[number], shots) for number in rest]


def _read(file: Path, languages: Sequence[str]) -> dict[Direction, list[Pair]]:
    """Read a file's distinct pairs, in each direction that it serves."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = f"no file of pairs at {file}; see [intervention.translation] files"
        raise CorpusError(msg) from error
    except (UnicodeDecodeError, OSError) as error:
        msg = f"{file} cannot be read: {error}"
        raise CorpusError(msg) from error
    rows = _samples if file.suffix == ".json" else _lines
    pairs_by_direction: dict[Direction, dict[Pair, None]] = {}
    for direction, pair in rows(file, text, languages):
        pairs_by_direction.setdefault(direction, {})[pair] = None
    if not pairs_by_direction:
        msg = f"{file} has no pairs"
        raise CorpusError(msg)
    return {direction: list(pairs) for direction, pairs in pairs_by_direction.items()}


def _lines(
    file: Path, text: str, languages: Sequence[str]
) -> Iterator[tuple[Direction, Pair]]:
    """Yield the pairs of a JSON Lines file; its first line sets the languages."""
    spoken: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file} line {number}"
        row = _parse_object(line, where)
        spoken = spoken or [language for language in languages if language in row]
        if len(spoken) < 2:
            msg = f"{where} has no fields for two of the study's languages "
            msg += f"({', '.join(languages)}); it has {', '.join(row) or 'none'}"
            raise CorpusError(msg)
        texts = {language: _field(row, language, where) for language in spoken}
        for source, target in permutations(spoken, 2):
            yield Direction(source, target), Pair(texts[source], texts[target])


def _samples(
    file: Path, text: str, languages: Sequence[str]
) -> Iterator[tuple[Direction, Pair]]:
    """Yield the pairs of an LLM-jp-eval data set."""
    match = re.search(r"-([a-z])-to-([a-z])(?![a-z])", file.stem)
    letters = match.groups() if match else ()
    spoken = [LETTERS[letter] for letter in letters if letter in LETTERS]
    if len(spoken) != 2 or not {*spoken} <= {*languages}:
        msg = f"{file}: the name of a data set of LLM-jp-eval gives its direction, as "
        msg += "alt-e-to-j.json does, and its languages (en, ja) must be the study's"
        raise CorpusError(msg)
    samples = _parse_object(text, str(file)).get("samples")
    if not isinstance(samples, list):
        msg = f"{file} has no list `samples`, as a data set of LLM-jp-eval has"
        raise CorpusError(msg)
    for number, row in enumerate(samples, start=1):
        where = f"{file} sample {number}"
        pair = Pair(_field(row, "input", where), _field(row, "output", where))
        yield Direction(*spoken), pair


def _parse_object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        line = f" line {error.lineno}" if error.lineno > 1 else ""
        msg = f"{where}{line} is not valid JSON: {error.msg}"
        raise CorpusError(msg) from error
    if not isinstance(value, dict):
        msg = f"{where} is not a JSON object"
        raise CorpusError(msg)
    return value


def _field(row: Any, name: str, where: str) -> str:
    """Return a field's text, joined into one line."""
    text = row.get(name) if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        msg = f"{where} has no text in the field {name!r}"
        raise CorpusError(msg)
    return " ".join(text.split("\n")).strip()
