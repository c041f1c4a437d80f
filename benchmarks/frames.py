"""The metrics of a cell's features, computed with data frames for comparison.

Takes all codes, tokens and clusters in memory; returns the columns of `features`.
"""

import numpy as np
import pandas as pd
import polars as pl

FIRING, CLASS, EXCLUSIVE, FIRINGS, DOCUMENTS = 0.7, 0.9, 10, 20, 10


def in_pandas(
    codes: pd.DataFrame, tokens: pd.DataFrame, clusters: pd.DataFrame, width: int
) -> pd.DataFrame:
    """Compute the metrics with pandas.

    codes: token_row, feature, value; tokens: a row each, with three languages.
    """
    largest = codes.groupby("feature")["value"].agg(["size", "max"])
    features = largest.rename(columns={"size": "n_active", "max": "max_value"})
    ordered = codes.sort_values(["feature", "token_row"])
    features["mean_span_active"] = _spans(ordered, width)
    fired = codes[codes["value"] > FIRING * codes["feature"].map(largest["max"])]
    fired = fired.join(tokens, on="token_row").sort_values(["feature", "token_row"])
    by_feature = fired.groupby("feature")
    features["n_firings"] = by_feature.size()
    features["n_documents"] = by_feature["document"].nunique()
    features["mean_span"] = _spans(fired, width)
    ends = fired[fired["token_row"] % width == width - 1].groupby("feature").size()
    runs = features["n_firings"] / features["mean_span"]
    features["truncated_share"] = ends.reindex(features.index, fill_value=0) / runs
    for name in ("language", "language_permuted"):
        features[name] = _classes(fired, name)
    exclusive = fired[fired["is_exclusive"]]
    enough = exclusive.groupby("feature").size() >= EXCLUSIVE
    features["language_exclusive"] = _classes(exclusive, "language").where(enough)
    features["p_shared"] = 1 - by_feature["is_exclusive"].mean()
    places = fired.groupby(["feature", "position"]).size().groupby("feature").max()
    features["p_top_position"] = places / features["n_firings"]
    counts = fired.groupby(["feature", "token_id"]).size().rename("n").reset_index()
    counts = counts.merge(clusters, on=["feature", "token_id"])
    features["n_tokens"] = counts.groupby("feature").size()
    features["token_entropy"] = _entropy(counts)
    merged = counts.groupby(["feature", "cluster"])["n"].sum().reset_index()
    features["n_clusters"] = merged.groupby("feature").size()
    features["semantic_entropy"] = _entropy(merged)
    ratio = features["semantic_entropy"] / features["token_entropy"]
    features["monosemanticity"] = (1 - ratio).where(features["token_entropy"] > 0, 1)
    enough = (features["n_firings"] >= FIRINGS) & (features["n_documents"] >= DOCUMENTS)
    return features.assign(supported=enough)


def _spans(ordered: pd.DataFrame, width: int) -> pd.Series:
    row, feature = ordered["token_row"], ordered["feature"]
    follows = (feature == feature.shift()) & (row == row.shift() + 1)
    starts = ~follows | (row % width == 0)
    return 1 / starts.groupby(feature).mean()


def _classes(fired: pd.DataFrame, name: str) -> pd.Series:
    counts = fired.groupby(["feature", name]).size().unstack(fill_value=0)
    share = counts.max(axis=1) / counts.sum(axis=1)
    return counts.idxmax(axis=1).where(share > CLASS, "mixed")


def _entropy(counts: pd.DataFrame) -> pd.Series:
    total = counts.groupby("feature")["n"].transform("sum")
    share = counts["n"] / total
    return (-share * np.log(share)).groupby(counts["feature"]).sum()


def in_polars(
    codes: pl.DataFrame, tokens: pl.DataFrame, clusters: pl.DataFrame, width: int
) -> pl.DataFrame:
    """Compute the metrics with polars, lazily, so that it can optimize the plan."""
    lazy, words, groups = codes.lazy(), tokens.lazy(), clusters.lazy()
    active = lazy.group_by("feature").agg(
        n_active=pl.len(), max_value=pl.col("value").max()
    )
    active_spans = _polar_spans(lazy, width, "mean_span_active")
    fired = (
        lazy.join(active, on="feature")
        .filter(pl.col("value") > FIRING * pl.col("max_value"))
        .join(words, on="token_row")
        .select(pl.exclude("n_active", "max_value"))
        .collect()
        .lazy()
    )
    exclusive_firings = fired.filter("is_exclusive")
    exclusive = _polar_classes(
        exclusive_firings, "language", "language_exclusive"
    ).with_columns(pl.when(pl.col("n") >= EXCLUSIVE).then("language_exclusive"))
    counts = fired.group_by("feature", "token_id").agg(n=pl.len())
    counts = counts.join(groups, on=["feature", "token_id"])
    merged = counts.group_by("feature", "cluster").agg(n=pl.col("n").sum())
    places = fired.group_by("feature", "position").agg(n=pl.len())
    parts = [
        active_spans,
        fired.group_by("feature").agg(
            n_firings=pl.len(),
            n_documents=pl.col("document").n_unique(),
            p_shared=1 - pl.col("is_exclusive").mean(),
            n_ends=(pl.col("token_row") % width == width - 1).sum(),
        ),
        _polar_spans(fired, width, "mean_span"),
        _polar_classes(fired, "language", "language").drop("n"),
        _polar_classes(fired, "language_permuted", "language_permuted").drop("n"),
        exclusive.drop("n"),
        places.group_by("feature").agg(
            p_top_position=pl.col("n").max() / pl.col("n").sum()
        ),
        _polar_entropy(counts, "token_entropy", "n_tokens"),
        _polar_entropy(merged, "semantic_entropy", "n_clusters"),
    ]
    for columns in parts:
        active = active.join(columns, on="feature", how="left")
    ratio = pl.col("semantic_entropy") / pl.col("token_entropy")
    enough = (pl.col("n_firings") >= FIRINGS) & (pl.col("n_documents") >= DOCUMENTS)
    return active.with_columns(
        monosemanticity=pl.when(pl.col("token_entropy") > 0)
        .then(1 - ratio)
        .otherwise(1),
        truncated_share=pl.col("n_ends") * pl.col("mean_span") / pl.col("n_firings"),
        supported=enough,
    ).collect()


def _polar_spans(codes: pl.LazyFrame, width: int, name: str) -> pl.LazyFrame:
    row, feature = pl.col("token_row"), pl.col("feature")
    follows = (feature == feature.shift()) & (row == row.shift() + 1)
    starts = ~follows.fill_null(value=False) | (row % width == 0)
    ordered = codes.select("feature", "token_row").sort("feature", "token_row")
    marked = ordered.with_columns(starts=starts)
    return marked.group_by("feature").agg((1 / pl.col("starts").mean()).alias(name))


def _polar_classes(fired: pl.LazyFrame, column: str, name: str) -> pl.LazyFrame:
    counts = fired.group_by("feature", pl.col(column).alias("class")).agg(n=pl.len())
    largest = (
        counts.sort("n")
        .group_by("feature")
        .agg(n=pl.col("n").sum(), most=pl.col("n").max(), of=pl.col("class").last())
    )
    chosen = pl.when(pl.col("most") / pl.col("n") > CLASS).then("of")
    return largest.select("feature", "n", chosen.otherwise(pl.lit("mixed")).alias(name))


def _polar_entropy(counts: pl.LazyFrame, name: str, number: str) -> pl.LazyFrame:
    share = pl.col("n") / pl.col("n").sum()
    entropy = (-share * share.log()).sum().alias(name)
    return counts.group_by("feature").agg(entropy, pl.len().alias(number))
