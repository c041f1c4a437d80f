"""Faults of the tables of one cell: features, languages, firings, clusters.

As in `code_faults`: each changes real files of a copy of the tiny store.
"""

from typing import Any

import numpy as np

from support.cell_copy import CELL, Copy, Row, planted
from support.code_faults import ACTIVATIONS, Fault, Plant

ALIVE = "features_without_codes"
IS_CODE = "firings_not_codes"
IS_FIRING = "codes_not_fired"
COUNTED = "features_firings_miscounted"
LANGUAGES = "languages_firings_miscounted"
CLUSTERS = "clusters_miscounted"


KEYS = {
    "features": ("feature",),
    "feature_languages": ("feature", "language"),
    "clusters": ("feature", "token_id"),
    "firings": ("feature", "token_row"),
}
"""What tells the rows of a table of one cell apart."""


def of(table: str, change: str, **told: Any) -> Plant:
    """A fault in the one row of a table that a firing stands behind."""

    def plant(copy: Copy) -> Row:
        row, feature, _ = copy.firing()
        attributes = {
            "feature": feature,
            "token_row": row,
            "language": copy.language(row),
            "token_id": copy.token(row),
        }
        key = {name: attributes[name] for name in KEYS[table]}
        where = " and ".join(f"{name} = {value!r}" for name, value in key.items())
        copy.table(table, planted(table, where, change))
        key.pop("token_id", None)  # checks of clusters name the feature
        return key | told

    return plant


def invented(copy: Copy) -> Row:
    """A firing on a token that does not activate the feature."""
    _, feature, value = copy.firing()
    row = int(np.flatnonzero((copy.feature[copy.number] != feature).all(1))[0])
    values = (*CELL, feature, row, value)
    copy.table("firings", f"insert into firings values {values}")
    return {"feature": feature, "token_row": row, "value": value}


def too_weak(copy: Copy) -> Row:
    """A code below the threshold among the firings."""
    row = copy.quiet()
    feature = int(copy.feature[copy.number[row, 0]])
    value = float(copy.value[row, 0])
    values = (*CELL, feature, row, value)
    copy.table("firings", f"insert into firings values {values}")
    return {"feature": feature, "token_row": row, "value": value}


def stricter(copy: Copy) -> Row:
    """A higher threshold than the firings were chosen by."""
    copy.table("settings", planted("settings", "true", "firing_threshold = 0.99"), None)
    return {}


def pair_code(change: str) -> Plant:
    """A fault in the first row of the codes of pairs."""

    def plant(copy: Copy) -> Row:
        text = {"pair": 3, "language": "en"}
        first = (
            "(select min(feature) from pair_codes where pair = 3 and language = 'en')"
        )
        where = f"pair = 3 and language = 'en' and feature = {first}"
        copy.table("pair_codes", planted("pair_codes", where, change))
        return text

    return plant


def pair_without_text(copy: Copy) -> Row:
    """Codes of a text that is in no pair."""
    copy.table("pair_codes", planted("pair_codes", "pair = 3", "pair = 1000"))
    return {"pair": 1000, "language": "en"}


def antipode_of_a_sparse_feature(copy: Copy) -> Row:
    """An antipode of a feature that hardly ever fires."""
    row = {"feature": 1000, "antipode": 0, "antipodal_cosine": -1}
    values = (*CELL, *row.values())
    copy.table("antipodes", f"insert into antipodes values {values}")
    return {"feature": 1000, "is_dense": False}


FAULTS = [
    Fault(
        "a feature lost",
        of("features", "delete"),
        (ALIVE, COUNTED, CLUSTERS),
    ),
    Fault(
        "a feature repeated",
        of("features", "repeat", n_rows=2),
        (ALIVE,),
    ),
    Fault(
        "a feature counted once more",
        of("features", "n_active = n_active + 1"),
        (ACTIVATIONS,),
    ),
    Fault(
        "a greater maximum",
        of("features", "max_value = max_value + 1"),
        ("features_maximum_not_in_codes",),
    ),
    Fault(
        "a feature's firings counted once more",
        of("features", "n_firings = n_firings + 1"),
        (COUNTED,),
    ),
    Fault(
        "a feature with one token more",
        of("features", "n_tokens = n_tokens + 1"),
        (CLUSTERS,),
    ),
    Fault(
        "firings in a language counted once more",
        of(
            "feature_languages",
            "n_firings = n_firings + 1",
        ),
        (LANGUAGES,),
    ),
    Fault(
        "a feature's language lost",
        of("feature_languages", "delete", n_firings=None),
        (LANGUAGES,),
    ),
    Fault("a token of a feature lost", of("clusters", "delete"), (CLUSTERS,)),
    Fault(
        "a cluster misnamed",
        of("clusters", "cluster = token_id + 1"),
        ("clusters_misnamed", CLUSTERS),
    ),
    Fault(
        "a firing lost",
        of("firings", "delete"),
        (IS_FIRING, COUNTED, LANGUAGES),
    ),
    Fault(
        "a firing on no token",
        of("firings", "token_row = -1"),
        (IS_FIRING, IS_CODE, "firings_without_token", LANGUAGES),
    ),
    Fault(
        "a firing repeated",
        of("firings", "repeat", n_rows=2),
        (IS_CODE, COUNTED, LANGUAGES),
    ),
    Fault(
        "a firing with another value",
        of("firings", "value = value * 1.001"),
        (IS_CODE,),
    ),
    Fault("a firing without a code", invented, (IS_CODE, COUNTED, LANGUAGES)),
    Fault(
        "a firing below the threshold",
        too_weak,
        (
            "firings_not_above",
            COUNTED,
            LANGUAGES,
        ),
    ),
    Fault(
        "a higher threshold",
        stricter,
        ("firings_not_above",),
    ),
    Fault(
        "a mean that is not positive",
        pair_code("mean_value = 0"),
        ("pair_codes_out_of_range",),
    ),
    Fault(
        "a feature that does not exist",
        pair_code("feature = 1000"),
        ("pair_codes_out_of_range",),
    ),
    Fault("a code of a pair repeated", pair_code("repeat"), ("pair_codes_repeated",)),
    Fault("codes of no text", pair_without_text, ("pair_codes_of_no_text",)),
    Fault(
        "a dense feature without an antipode",
        of("features", "n_firings = n_firings + 5000"),
        (COUNTED, "antipodes_not_dense"),
    ),
    Fault(
        "an antipode of a sparse feature",
        antipode_of_a_sparse_feature,
        ("antipodes_not_dense",),
    ),
]
