"""The variants of a study: one analysis setting changed, or a part of the text alone.

Reads the resolved settings; creates the tables from which sql/cell computes all
variants of a cell at once, and sql/variants labels their trends.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.query import Connection
from bisae.tables.clusters import Clustering
from bisae.tables.context import VARIED, ExportContext

FIRING_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
HALVED = ("half of k", "quarter of k", "eighth of k")
"""Firing rules by which only a token's strongest codes count: half of k, and so on."""
EVERY_ACTIVATION = "0"
"""The firing rule by which every activation is a firing."""
BY_LANGUAGE = (*HALVED, EVERY_ACTIVATION)
"""Rules whose firings are only counted by language, so that they have no clusters."""
CLASS_THRESHOLDS = (0.8, 0.9, 0.95, 0.99)
METHODS = ("components", "greedy")
PARTS = ("eighth", "quarter", "half", "other half", "all")
Row = dict[str, Any]
VARIANT_TABLES = ("sensitivity", "eval_size", "text_parts")
VARIANT_INPUTS = frozenset({"variants", "variant_names", "clusterings"})
"""The tables that `put_variants` creates."""
STUDY = "study"
"""The study's firing rule."""


class Analysis(NamedTuple):
    """The settings of one analysis: firings, language classes and semantic clusters."""

    rule: str
    """The name of a firing rule in sql/cell/firing_rules.sql."""
    class_threshold: float
    semantic_threshold: float
    method: str
    """How tokens are clustered: see `Clustering`."""
    without_dense: bool = False
    """True if dense features are left out."""


class Variant(NamedTuple):
    """An analysis by the setting that is changed."""

    table: str
    """The table of its trends: `sensitivity` or `eval_size`."""
    setting: str
    value: str
    """As a user writes it in a study."""
    analysis: Analysis
    is_default: bool = False
    """True if this is the study's value."""


def study_analysis(context: ExportContext) -> Analysis:
    """Return the analysis by the study's settings."""
    names = ("class_threshold", "semantic_threshold", "clustering")
    return Analysis(STUDY, *(context.settings[name] for name in names))


def variants(context: ExportContext) -> Iterator[Variant]:
    """Yield every variant; the study's value of each setting comes first."""
    default_analysis, settings = study_analysis(context), context.settings
    k = context.store.study.sae.k
    cosines = [threshold.cosine for threshold in context.thresholds[1:]]
    alternatives: dict[str, dict[str, Analysis]] = {
        "firing_threshold": {
            str(threshold): default_analysis._replace(rule=str(threshold))
            for threshold in (EVERY_ACTIVATION, *FIRING_THRESHOLDS)
        },
        "k": {
            str(k >> halvings): default_analysis._replace(rule=rule)
            for halvings, rule in enumerate(HALVED, start=1)
            if k >> halvings
        },
        "class_threshold": {
            str(threshold): default_analysis._replace(class_threshold=threshold)
            for threshold in CLASS_THRESHOLDS
        },
        "semantic_threshold": {
            threshold: default_analysis._replace(semantic_threshold=cosine)
            for threshold, cosine in zip(VARIED, cosines, strict=True)
        },
        "clustering": {
            method: default_analysis._replace(method=method) for method in METHODS
        },
        "language": {"script": default_analysis._replace(rule="script")},
        "documents": {"first 50": default_analysis._replace(rule="first 50")},
        "dense_features": {"left out": default_analysis._replace(without_dense=True)},
    }
    defaults = settings | {"k": k, "language": "document", "documents": "all"}
    defaults |= {"dense_features": "kept"}
    for setting, by_value in alternatives.items():
        default = str(settings.get(f"{setting}_asked", defaults[setting]))
        yield Variant(
            "sensitivity", setting, default, default_analysis, is_default=True
        )
        for value, analysis in by_value.items():
            if value != default:
                yield Variant("sensitivity", setting, value, analysis)
    for documents in PARTS[:-1]:
        yield Variant(
            "eval_size",
            "documents",
            documents,
            default_analysis._replace(rule=documents),
        )
    yield Variant(
        "eval_size", "documents", PARTS[-1], default_analysis, is_default=True
    )


def put_variants(con: Connection, context: ExportContext) -> list[Clustering]:
    """Create the tables `variants`, `variant_names` and `clusterings`; return the last.

    The study's analysis is variant 0, and its clustering is clustering 0. The table
    `firing_rules` must exist.
    """
    all_variants = list(variants(context))
    default_analysis = study_analysis(context)
    analyses = list(
        dict.fromkeys(
            [default_analysis, *(variant.analysis for variant in all_variants)]
        )
    )
    rules = dict(con.execute("select name, (rule, bit) from firing_rules").fetchall())
    clusterings: dict[tuple[int, float, str], Clustering] = {}
    for analysis in analyses:
        rule, bit = rules[analysis.rule]
        if analysis.rule in BY_LANGUAGE:
            continue
        # Rules with the same firings share a bit, so their tokens are clustered once.
        key = bit, analysis.semantic_threshold, analysis.method
        clusterings.setdefault(key, Clustering(len(clusterings), rule, *key))
    rows: list[Row] = []
    for number, analysis in enumerate(analyses):
        rule, bit = rules[analysis.rule]
        key = bit, analysis.semantic_threshold, analysis.method
        clustering = clusterings.get(key)
        rows.append(
            {
                "variant": number,
                "rule": rule,
                # By which documents are counted.
                "document_rule": rule if clustering else 0,
                "class_threshold": analysis.class_threshold,
                "clustering": clustering.clustering if clustering else None,
                "without_dense": analysis.without_dense,
            }
        )
    names = [
        {
            "variant": analyses.index(variant.analysis),
            "table_name": variant.table,
            "setting": variant.setting,
            "value": variant.value,
            "is_default": variant.is_default,
        }
        for variant in all_variants
    ]
    put_rows(con, "variants", rows)
    put_rows(con, "variant_names", names)
    put_rows(
        con,
        "clusterings",
        [clustering._asdict() for clustering in clusterings.values()],
    )
    return list(clusterings.values())


def put_rows(con: Connection, name: str, rows: list[Row]) -> None:
    """Create a table of rows."""
    con.register("rows", pa.Table.from_pylist(rows))
    con.execute(f"create table {name} as from rows")
    con.unregister("rows")
