"""Sentences and their translations: what is translated, and what a prompt shows.

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
    """From which language into which."""

    source: str
    target: str


class Pair(NamedTuple):
    """A text, and how somebody translated it."""

    source: str
    reference: str


class Task(NamedTuple):
    """What is to be translated, and the pairs that are shown before it."""

    pair: Pair
    shots: tuple[Pair, ...]


def read_tasks(
    asked: Translation, languages: Sequence[str], seed: int
) -> dict[Direction, list[Task]]:
    """What is translated each way, file after file.

    The choice hangs on the seed and on how many pairs a file has: files that hold the
    same sentences in both directions have the same of them translated. Raises
    CorpusError: one line, which file is wrong and where.
    """
    found: dict[Direction, list[Task]] = {}
    for name in asked.files:
        for direction, pairs in _read(Path(name), languages).items():
            chosen = _chosen(name, pairs, asked, Random(f"{seed}/pairs"))
            found.setdefault(direction, []).extend(chosen)
    return found


def _chosen(
    name: str, pairs: list[Pair], asked: Translation, rng: Random
) -> list[Task]:
    """Draw shots and what is translated, no pair for both."""
    if len(pairs) <= asked.shots:
        msg = f"{name} has {len(pairs)} pairs, too few for {asked.shots} shots and one "
        msg += "to translate; lower [intervention.translation] shots"
        raise CorpusError(msg)
    order = rng.sample(range(len(pairs)), len(pairs))
    shots = tuple(pairs[number] for number in order[: asked.shots])
    rest = sorted(order[asked.shots :][: asked.pairs])
    return [Task(pairs[number], shots) for number in rest]


def _read(file: Path, languages: Sequence[str]) -> dict[Direction, list[Pair]]:
    """Every different pair of a file, in each direction that it is good for."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = f"no file of pairs {file}; see [intervention.translation] files"
        raise CorpusError(msg) from error
    except (UnicodeDecodeError, OSError) as error:
        msg = f"{file} cannot be read: {error}"
        raise CorpusError(msg) from error
    rows = _samples if file.suffix == ".json" else _lines
    found: dict[Direction, dict[Pair, None]] = {}
    for direction, pair in rows(file, text, languages):
        found.setdefault(direction, {})[pair] = None
    if not found:
        msg = f"{file} has no pairs"
        raise CorpusError(msg)
    return {direction: list(pairs) for direction, pairs in found.items()}


def _lines(
    file: Path, text: str, languages: Sequence[str]
) -> Iterator[tuple[Direction, Pair]]:
    """Pairs of JSON Lines; the first line says of which languages."""
    spoken: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file} line {number}"
        row = _json(line, where)
        spoken = spoken or [one for one in languages if one in row]
        if len(spoken) < 2:
            msg = f"{where} has no fields for two of the study's languages "
            msg += f"({', '.join(languages)}); it has {', '.join(row) or 'none'}"
            raise CorpusError(msg)
        texts = {one: _field(row, one, where) for one in spoken}
        for source, target in permutations(spoken, 2):
            yield Direction(source, target), Pair(texts[source], texts[target])


def _samples(
    file: Path, text: str, languages: Sequence[str]
) -> Iterator[tuple[Direction, Pair]]:
    """Pairs of a data set of LLM-jp-eval."""
    named = re.search(r"-([a-z])-to-([a-z])(?![a-z])", file.stem)
    letters = named.groups() if named else ()
    spoken = [LETTERS[letter] for letter in letters if letter in LETTERS]
    if len(spoken) != 2 or not {*spoken} <= {*languages}:
        msg = f"{file}: the name of a data set of LLM-jp-eval tells its direction, as "
        msg += "alt-e-to-j.json does, and the study has its languages (en, ja)"
        raise CorpusError(msg)
    samples = _json(text, str(file)).get("samples")
    if not isinstance(samples, list):
        msg = f"{file} has no list `samples`, as a data set of LLM-jp-eval has"
        raise CorpusError(msg)
    for number, row in enumerate(samples, start=1):
        where = f"{file} sample {number}"
        pair = Pair(_field(row, "input", where), _field(row, "output", where))
        yield Direction(*spoken), pair


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        line = f" line {error.lineno}" if error.lineno > 1 else ""
        msg = f"{where}{line} is no JSON: {error.msg}"
        raise CorpusError(msg) from error
    if not isinstance(found, dict):
        msg = f"{where} is no JSON object"
        raise CorpusError(msg)
    return found


def _field(row: Any, name: str, where: str) -> str:
    """A field's text on one line."""
    text = row.get(name) if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        msg = f"{where} has no text in the field {name!r}"
        raise CorpusError(msg)
    return " ".join(text.split("\n")).strip()
