"""Faults of the tables of one cell: features, languages, firings, clusters.

As in `code_faults`: each changes real files of a copy of the tiny store.
"""

from typing import Any

import numpy as np
from cell_copy import CELL, Copy, Row
from code_faults import ACTIVATIONS, Fault, Plant

ALIVE = "Every feature with codes has one row, and no other has any"
IS_CODE = "Every firing is a code, of the same token, feature and value"
IS_FIRING = "Every code above its feature's threshold is a firing"
COUNTED = "A feature fires as often as it has firings"
LANGUAGES = "A feature's firings in a language are those on its documents"
CLUSTERS = "A feature's tokens and clusters are those of `clusters`"


def of_feature(statement: str, **told: Any) -> Plant:
    """A fault in the row of `features` of a feature that fires."""

    def plant(copy: Copy) -> Row:
        feature = copy.firing()[1]
        copy.table("features", f"{statement} where feature = {feature}")
        return {"feature": feature, **told}

    return plant


def of_language(statement: str, told: Row) -> Plant:
    """A fault in a row of `feature_languages`, of a feature that fires."""

    def plant(copy: Copy) -> Row:
        row, feature, _ = copy.firing()
        language = copy.language(row)
        where = f"feature = {feature} and language = '{language}'"
        copy.table("feature_languages", f"{statement} where {where}")
        return {"feature": feature, "language": language, **told}

    return plant


def of_token(statement: str) -> Plant:
    """A fault in a row of `clusters`, of a token that a feature fires on."""

    def plant(copy: Copy) -> Row:
        row, feature, _ = copy.firing()
        where = f"feature = {feature} and token_id = {copy.token(row)}"
        copy.table("clusters", f"{statement} where {where}")
        return {"feature": feature}

    return plant


def of_firing(statement: str, **told: Any) -> Plant:
    """A fault in the row of `firings` of one firing."""

    def plant(copy: Copy) -> Row:
        row, feature, _ = copy.firing()
        where = f"feature = {feature} and token_row = {row}"
        copy.table("firings", f"{statement} where {where}")
        return {"feature": feature, "token_row": row, **told}

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


FAULTS = [
    Fault(
        "a feature lost",
        of_feature("delete from features"),
        (ALIVE, COUNTED, CLUSTERS),
    ),
    Fault(
        "a feature repeated",
        of_feature("insert into features from features", n_rows=2),
        (ALIVE,),
    ),
    Fault(
        "a feature counted once more",
        of_feature("update features set n_active = n_active + 1"),
        (ACTIVATIONS,),
    ),
    Fault(
        "a greater maximum",
        of_feature("update features set max_value = max_value + 1"),
        ("A feature's maximum is that of its codes",),
    ),
    Fault(
        "a feature's firings counted once more",
        of_feature("update features set n_firings = n_firings + 1"),
        (COUNTED,),
    ),
    Fault(
        "a feature with one token more",
        of_feature("update features set n_tokens = n_tokens + 1"),
        (CLUSTERS,),
    ),
    Fault(
        "firings in a language counted once more",
        of_language("update feature_languages set n_firings = n_firings + 1", {}),
        (LANGUAGES,),
    ),
    Fault(
        "a feature's language lost",
        of_language("delete from feature_languages", {"n_firings": None}),
        (LANGUAGES,),
    ),
    Fault("a token of a feature lost", of_token("delete from clusters"), (CLUSTERS,)),
    Fault(
        "a cluster misnamed",
        of_token("update clusters set cluster = token_id + 1"),
        ("A cluster is named by its lowest token", CLUSTERS),
    ),
    Fault(
        "a firing lost",
        of_firing("delete from firings"),
        (IS_FIRING, COUNTED, LANGUAGES),
    ),
    Fault(
        "a firing on no token",
        of_firing("update firings set token_row = -1"),
        (IS_FIRING, IS_CODE, "Every firing is on a token of the text", LANGUAGES),
    ),
    Fault(
        "a firing repeated",
        of_firing("insert into firings from firings", n_rows=2),
        (IS_CODE, COUNTED, LANGUAGES),
    ),
    Fault(
        "a firing with another value",
        of_firing("update firings set value = value * 1.001"),
        (IS_CODE,),
    ),
    Fault("a firing without a code", invented, (IS_CODE, COUNTED, LANGUAGES)),
    Fault(
        "a firing below the threshold",
        too_weak,
        (
            "Every firing is above the threshold that the codes give",
            COUNTED,
            LANGUAGES,
        ),
    ),
]
