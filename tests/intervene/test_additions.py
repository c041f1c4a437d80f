"""Which features are added together: draws, controls, classes that are too small."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bisae.errors import StudyError
from bisae.intervene.steering import (
    NONE,
    RANDOM_DIRECTIONS,
    RANDOM_FEATURES,
    RECONSTRUCTION,
    Feature,
    SteeringVector,
    pool_sizes,
    steering_vectors,
)
from bisae.study import Intervention

LANGUAGES = ("en", "ja")
CLASSES = (*LANGUAGES, "mixed")
N = 64


def features(sizes: dict[str, int]) -> list[Feature]:
    """Some features of each class; each fires some hundred times."""
    rng, names = Random(0), [name for name, size in sizes.items() for _ in range(size)]
    return [Feature(i, name, rng.randint(20, 400)) for i, name in enumerate(names)]


FEATURES = features({"en": 20, "ja": 12, "mixed": 9})
FIRINGS = {one.number: one.n_firings for one in FEATURES}
CLASS = {one.number: one.language for one in FEATURES}


def asked(**told: object) -> Intervention:
    told = {"size": "M", "layer": 1, "mid_step": 5, "m": [4, 8], "draws": 3} | told
    return Intervention.model_validate(told)


def drawn(**told: object) -> list[SteeringVector]:
    return steering_vectors(FEATURES, asked(**told), LANGUAGES, N)


def of(found: list[SteeringVector], **told: object) -> list[SteeringVector]:
    return [item for item in found if item._asdict().items() >= told.items()]


def test_every_class_and_control_is_drawn() -> None:
    actual = drawn()
    for control in ("m", "firings", "norm"):
        for name in (*CLASSES, RANDOM_FEATURES, RANDOM_DIRECTIONS):
            there = {
                (item.m, item.draw) for item in of(actual, control=control, added=name)
            }
            assert there == {(m, draw) for m in (4, 8) for draw in range(3)}
    assert len(actual) == 2 + 3 * 5 * 2 * 3


def test_features_are_of_their_class() -> None:
    for item in drawn():
        assert len(set(item.features)) == len(item.features)
        if item.added in CLASSES:
            assert {CLASS[number] for number in item.features} == {item.added}
        if item.control != "firings" and item.added in (*CLASSES, RANDOM_FEATURES):
            assert len(item.features) == item.m


def test_a_smaller_draw_begins_a_larger_one() -> None:
    actual = drawn()
    for small in of(actual, control="m", m=4):
        (large,) = of(actual, control="m", m=8, added=small.added, draw=small.draw)
        assert large.features[:4] == small.features


def test_draws_differ_and_repeat() -> None:
    sets = {frozenset(item.features) for item in of(drawn(), control="m", added="en")}
    assert len(sets) == 6
    assert drawn() == drawn()
    assert drawn(seed=1) != drawn()


def test_the_norm_is_controlled_for_the_same_features() -> None:
    actual = drawn()
    for item in of(actual, control="m"):
        if item.m and item.added != RECONSTRUCTION:
            assert item._replace(control="norm") in actual


def test_random_directions_have_the_last_class() -> None:
    actual = drawn(classes=["ja", "en"])
    for item in of(actual, added=RANDOM_DIRECTIONS):
        assert item._replace(added="en") in actual


def test_nothing_and_everything() -> None:
    none, whole = drawn()[:2]
    assert none == SteeringVector(NONE, "m", 0, 0, ())
    assert whole == SteeringVector(RECONSTRUCTION, "m", N, 0, tuple(range(N)))


@given(st.integers(1, 9), st.integers(0, 5))
def test_firings_come_nearest_to_the_least(m: int, seed: int) -> None:
    actual = drawn(m=m, seed=seed)
    for draw in range(3):
        whole = {
            item.added: [FIRINGS[number] for number in item.features]
            for item in of(actual, control="m", draw=draw)
            if item.added in CLASSES
        }
        least = min(sum(some) for some in whole.values()) if len(whole) == 3 else None
        for item in of(actual, control="firings", draw=draw):
            if least is None or item.added not in whole:
                continue
            fired = whole[item.added]
            sums = [abs(sum(fired[: j + 1]) - least) for j in range(len(fired))]
            assert sums[len(item.features) - 1] == min(sums)


def test_all_of_a_class_is_drawn_once() -> None:
    actual = drawn(m=["all"])
    for name, size in {"en": 20, "ja": 12, "mixed": 9}.items():
        (result,) = of(actual, control="m", added=name)
        assert (result.m, len(result.features)) == (
            20,
            size,
        )  # as many as the largest has
        assert len(of(actual, control="firings", added=name)) == 3
    assert len(of(actual, control="m", added=RANDOM_FEATURES)) == 3
    assert len(of(actual, control="m", added=RANDOM_DIRECTIONS)) == 3


def test_one_number_may_stand_alone() -> None:
    assert asked(m=4, alpha=0.5).model_dump(include={"m", "alpha"}) == {
        "m": (4,),
        "alpha": (0.5,),
    }


def test_too_few_features_are_counted() -> None:
    with pytest.raises(StudyError) as caught:
        drawn(m=[4, 10])
    assert str(caught.value) == (
        "[intervention] m = 10, but 9 features are mixed in M at layer 1; "
        'lower it, or give "all"'
    )


def test_a_class_without_features_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    some = features({"en": 5, "ja": 7})
    actual = steering_vectors(some, asked(m="all"), LANGUAGES, N)
    assert not of(actual, added="mixed")
    result = "no feature is mixed in M at layer 1: nothing of that class is added\n"
    assert capsys.readouterr().err == result
    with pytest.raises(StudyError, match="no features of mixed in M at layer 1"):
        steering_vectors(some, asked(m="all", classes=["mixed"]), LANGUAGES, N)


def test_only_a_whole_pool_is_drawn_once() -> None:
    """What decides whether the variance over draws is 0 or unknown."""
    pools, actual = pool_sizes(FEATURES, N), of(drawn(m=[4, "all"]), control="m")
    for vector in of(actual, draw=0):
        others = [
            other
            for other in actual
            if (other.added, other.m) == (vector.added, vector.m) and other.draw > 0
        ]
        is_whole = len(vector.features) == pools.get(vector.added)
        assert bool(others) != is_whole, vector
    assert RANDOM_DIRECTIONS not in pools
