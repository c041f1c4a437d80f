"""Draw the features of each steering vector: of each class, and of the controls.

Reads and writes no files: classes and firings in, lists of features out, drawn from a
seed. A smaller draw is the beginning of a larger one.
"""

from collections import Counter
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
"""The quantity that is the same for all classes: the number of features, the number of
their firings, or the mean norm of the steering vector."""


class Feature(NamedTuple):
    """An alive feature of the full model's cell."""

    number: int
    language: str
    """Its class."""
    n_firings: int


class SteeringVector(NamedTuple):
    """The features whose decoded activations are added to the mid model's states."""

    added: str
    """A class, or the name of a control."""
    control: Control
    m: int
    """The number requested; `features` has fewer if the class is smaller."""
    draw: int
    features: tuple[int, ...]


def steering_vectors(
    features: Sequence[Feature],
    section: Intervention,
    languages: Sequence[str],
    n_features: int,
) -> list[SteeringVector]:
    """Draw every steering vector from the alive `features`, of `n_features` in all.

    Raises StudyError if a class has too few features.
    """
    classes = _group_by_class(features, section, languages)
    vectors = [
        SteeringVector(NONE, "m", 0, 0, ()),
        SteeringVector(RECONSTRUCTION, "m", n_features, 0, tuple(range(n_features))),
    ]
    for m in _feature_counts(classes, section):
        for draw in range(section.draws):
            vectors += _draw_vectors(classes, features, m, draw, section.seed)
    return vectors


def pool_sizes(features: Sequence[Feature], n_features: int) -> dict[str, int]:
    """Count the features that each addition is drawn from.

    Random directions have no entry: another draw of them is always different.
    """
    sizes = Counter(feature.language for feature in features)
    fixed = {BASELINE: 0, NONE: 0, RECONSTRUCTION: n_features}
    return {**sizes, **fixed, RANDOM_FEATURES: len(features)}


def _group_by_class(
    features: Sequence[Feature], section: Intervention, languages: Sequence[str]
) -> dict[str, list[Feature]]:
    """Group features by the study's classes; leave out a class that has none."""
    names = section.classes or (*languages, "mixed")
    by_class = {
        name: [feature for feature in features if feature.language == name]
        for name in names
    }
    largest_m = max((m for m in section.m if m != "all"), default=0)
    where = f"in {section.size} at layer {section.layer}"
    for name, members in by_class.items():
        if len(members) < largest_m:
            msg = f"[intervention] m = {largest_m}, but {len(members)} features are "
            raise StudyError(msg + f'{name} {where}; lower it, or give "all"')
        if not members:
            note(f"no feature is {name} {where}: nothing of that class is added")
    if not any(by_class.values()):
        msg = f"[intervention] there are no features of {', '.join(names)} {where}"
        raise StudyError(msg)
    return {name: members for name, members in by_class.items() if members}


def _feature_counts(
    classes: Mapping[str, list[Feature]], section: Intervention
) -> list[int]:
    """Sort the study's numbers of features; "all" is the size of the largest class."""
    largest = max(len(members) for members in classes.values())
    return sorted({largest if m == "all" else m for m in section.m})


def _draw_vectors(
    classes: Mapping[str, list[Feature]],
    features: Sequence[Feature],
    m: int,
    draw: int,
    seed: int,
) -> Iterator[SteeringVector]:
    """Draw m features of each class, and of the controls."""
    pools = {**classes, RANDOM_FEATURES: list(features)}
    chosen = {
        name: _shuffled(pool, f"{seed}/{name}/{draw}")[:m]
        for name, pool in pools.items()
    }
    fewest_firings = min(_sum_firings(chosen[name]) for name in classes)
    last = list(classes)[-1]
    for name, features_drawn in (*chosen.items(), (RANDOM_DIRECTIONS, chosen[last])):
        numbers = tuple(feature.number for feature in features_drawn)
        # Another draw of a whole class would be the same.
        is_new = draw == 0 or len(pools.get(name, ())) > m or name == RANDOM_DIRECTIONS
        if is_new:
            yield SteeringVector(name, "m", m, draw, numbers)
            yield SteeringVector(name, "norm", m, draw, numbers)
        fewer = numbers[
            : _n_nearest(
                [feature.n_firings for feature in features_drawn], fewest_firings
            )
        ]
        yield SteeringVector(name, "firings", m, draw, fewer)


def _shuffled(pool: Sequence[Feature], seed: str) -> list[Feature]:
    order = list(pool)
    Random(seed).shuffle(order)
    return order


def _sum_firings(features: Sequence[Feature]) -> int:
    return sum(feature.n_firings for feature in features)


def _n_nearest(firings: Sequence[int], target: int) -> int:
    """Count the leading features whose summed firings come closest to `target`."""
    sums = list(accumulate(firings))
    best = min(range(len(sums)), key=lambda index: (abs(sums[index] - target), index))
    return best + 1
