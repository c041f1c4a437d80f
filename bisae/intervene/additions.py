"""Which features are added together: of each class, and as controls.

Reads nothing and writes nothing: classes and firings in, lists of features out, drawn
from a seed. A draw of fewer features is the beginning of one of more.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Literal, NamedTuple

from bisae.errors import StudyError
from bisae.progress import note
from bisae.study import Intervention

BASELINE, NONE = "baseline", "none"
RECONSTRUCTION = "reconstruction"
RANDOM_FEATURES, RANDOM_DIRECTIONS = "random_features", "random_directions"
Control = Literal["m", "firings", "norm"]
"""What is the same for all classes: how many features, how often they fire together, or
the mean norm of what they add."""


class Feature(NamedTuple):
    """An alive feature of the full model's cell."""

    number: int
    language: str
    """Its class."""
    n_firings: int


class Addition(NamedTuple):
    """Features that are added together."""

    added: str
    """A class, or the name of a control."""
    control: Control
    m: int
    """How many were asked for; `features` are fewer where a class has no more."""
    draw: int
    features: tuple[int, ...]


def additions(
    features: Sequence[Feature],
    asked: Intervention,
    languages: Sequence[str],
    n_features: int,
) -> list[Addition]:
    """Everything that is added; `features` are alive, of `n_features` in all.

    Raises StudyError where a class has too few features.
    """
    classes = _classes(features, asked, languages)
    found = [
        Addition(NONE, "m", 0, 0, ()),
        Addition(RECONSTRUCTION, "m", n_features, 0, tuple(range(n_features))),
    ]
    for m in _numbers(classes, asked):
        for draw in range(asked.draws):
            found += _drawn(classes, features, m, draw, asked.seed)
    return found


def _classes(
    features: Sequence[Feature], asked: Intervention, languages: Sequence[str]
) -> dict[str, list[Feature]]:
    """The features of each class asked for; one without any can only be left out."""
    names = asked.classes or (*languages, "mixed")
    found = {name: [one for one in features if one.language == name] for name in names}
    least = max((m for m in asked.m if m != "all"), default=0)
    where = f"in {asked.size} at layer {asked.layer}"
    for name, own in found.items():
        if len(own) < least:
            msg = f"[intervention] m = {least}, but {len(own)} features are {name} "
            raise StudyError(msg + f'{where}; lower it, or give "all"')
        if not own:
            note(f"no feature is {name} {where}: nothing of that class is added")
    if not any(found.values()):
        msg = f"[intervention] there are no features of {', '.join(names)} {where}"
        raise StudyError(msg)
    return {name: own for name, own in found.items() if own}


def _numbers(classes: Mapping[str, list[Feature]], asked: Intervention) -> list[int]:
    """The numbers of features asked for; all of them are as many as the largest has."""
    largest = max(len(own) for own in classes.values())
    return sorted({largest if m == "all" else m for m in asked.m})


def _drawn(
    classes: Mapping[str, list[Feature]],
    features: Sequence[Feature],
    m: int,
    draw: int,
    seed: int,
) -> Iterator[Addition]:
    """One draw of m features of each class, and of its controls."""
    pools = {**classes, RANDOM_FEATURES: list(features)}
    chosen = {
        name: _shuffled(pool, f"{seed}/{name}/{draw}")[:m]
        for name, pool in pools.items()
    }
    least = min(_firings(chosen[name]) for name in classes)
    last = list(classes)[-1]
    for name, own in (*chosen.items(), (RANDOM_DIRECTIONS, chosen[last])):
        numbers = tuple(one.number for one in own)
        # Another draw of a whole class would be the same.
        is_new = draw == 0 or len(pools.get(name, ())) > m or name == RANDOM_DIRECTIONS
        if is_new:
            yield Addition(name, "m", m, draw, numbers)
            yield Addition(name, "norm", m, draw, numbers)
        fewer = numbers[: _nearest([one.n_firings for one in own], least)]
        yield Addition(name, "firings", m, draw, fewer)


def _shuffled(pool: Sequence[Feature], seed: str) -> list[Feature]:
    order = list(pool)
    Random(seed).shuffle(order)
    return order


def _firings(features: Sequence[Feature]) -> int:
    return sum(one.n_firings for one in features)


def _nearest(firings: Sequence[int], wanted: int) -> int:
    """How many of them, from the first on, fire together nearest to `wanted` times."""
    sums = list(accumulate(firings))
    best = min(range(len(sums)), key=lambda at: (abs(sums[at] - wanted), at))
    return best + 1
