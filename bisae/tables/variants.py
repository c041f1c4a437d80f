"""The variants of a study: one setting changed, or a part of the evaluation text alone.

Reads the resolved settings; gives the tables by which sql/cell computes all variants of
a cell at once, and sql/variants names their trends.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.query import Connection
from bisae.tables.clusters import Clustering
from bisae.tables.shared import VARIED, Shared

FIRING_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CLASS_THRESHOLDS = (0.8, 0.9, 0.95, 0.99)
METHODS = ("components", "greedy")
PARTS = ("eighth", "quarter", "half", "other half", "all")
Row = dict[str, Any]
VARIANT_TABLES = ("sensitivity", "eval_size")
VARIANT_INPUTS = frozenset({"variants", "variant_names", "clusterings"})
"""The tables that `put_variants` makes."""
STUDY = "study"
"""The study's own firing rule."""


class Analysis(NamedTuple):
    """What a variant does: how it decides what fires, its class, and its clusters."""

    rule: str
    """The name of a firing rule in sql/cell/firing_rules.sql."""
    class_threshold: float
    semantic_threshold: float
    method: str
    """How tokens are clustered: see `Clustering`."""


class Variant(NamedTuple):
    """An analysis by the setting that is changed."""

    table: str
    """Where its trends go: `sensitivity` or `eval_size`."""
    setting: str
    value: str
    """As a user writes it."""
    analysis: Analysis
    is_default: bool = False
    """Whether the value is the study's own."""


def study_analysis(shared: Shared) -> Analysis:
    """Return the study's own analysis."""
    names = ("class_threshold", "semantic_threshold", "clustering")
    return Analysis(STUDY, *(shared.settings[name] for name in names))


def variants(shared: Shared) -> Iterator[Variant]:
    """Yield every variant; of each setting, the study's own value is the first."""
    own, settings = study_analysis(shared), shared.settings
    cosines = [threshold.cosine for threshold in shared.thresholds[1:]]
    alternatives: dict[str, dict[str, Analysis]] = {
        "firing_threshold": {
            str(one): own._replace(rule=str(one)) for one in FIRING_THRESHOLDS
        },
        "class_threshold": {
            str(one): own._replace(class_threshold=one) for one in CLASS_THRESHOLDS
        },
        "semantic_threshold": {
            asked: own._replace(semantic_threshold=cosine)
            for asked, cosine in zip(VARIED, cosines, strict=True)
        },
        "clustering": {method: own._replace(method=method) for method in METHODS},
        "language": {"script": own._replace(rule="script")},
        "documents": {"first 50": own._replace(rule="first 50")},
    }
    defaults = settings | {"language": "document", "documents": "all"}
    for setting, by_value in alternatives.items():
        default = str(settings.get(f"{setting}_asked", defaults[setting]))
        yield Variant("sensitivity", setting, default, own, is_default=True)
        for value, analysis in by_value.items():
            if value != default:
                yield Variant("sensitivity", setting, value, analysis)
    for part in PARTS[:-1]:
        yield Variant("eval_size", "documents", part, own._replace(rule=part))
    yield Variant("eval_size", "documents", PARTS[-1], own, is_default=True)


def put_variants(con: Connection, shared: Shared) -> list[Clustering]:
    """Make the tables `variants`, `variant_names`, `clusterings`; return the latter.

    The study's own analysis is variant 0, and its clustering is clustering 0. The table
    `firing_rules` must be there.
    """
    listed = list(variants(shared))
    own = study_analysis(shared)
    analyses = list(dict.fromkeys([own, *(one.analysis for one in listed)]))
    rules = dict(con.execute("select name, (rule, bit) from firing_rules").fetchall())
    clusterings: dict[tuple[int, float, str], Clustering] = {}
    for analysis in analyses:
        rule, bit = rules[analysis.rule]
        # Rules of equal firings share their bit, so their tokens are clustered once.
        key = bit, analysis.semantic_threshold, analysis.method
        clusterings.setdefault(key, Clustering(len(clusterings), rule, *key))
    rows: list[Row] = []
    for number, analysis in enumerate(analyses):
        rule, bit = rules[analysis.rule]
        clustering = clusterings[bit, analysis.semantic_threshold, analysis.method]
        row: Row = {"variant": number, "rule": rule}
        row["class_threshold"] = analysis.class_threshold
        rows.append(row | {"clustering": clustering.clustering})
    names = [
        {
            "variant": analyses.index(one.analysis),
            "table_name": one.table,
            "setting": one.setting,
            "value": one.value,
            "is_studys": one.is_default,
        }
        for one in listed
    ]
    put_rows(con, "variants", rows)
    put_rows(con, "variant_names", names)
    put_rows(con, "clusterings", [one._asdict() for one in clusterings.values()])
    return list(clusterings.values())


def put_rows(con: Connection, name: str, rows: list[Row]) -> None:
    """Make a table of rows."""
    con.register("rows", pa.Table.from_pylist(rows))
    con.execute(f"create table {name} as from rows")
    con.unregister("rows")
