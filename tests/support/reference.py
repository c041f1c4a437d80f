"""The analysis metrics once more, in plain Python: what the SQL is compared with.

Reads a store's arrays, follows section 3 of the design to the letter and shares no line
with sql/. Gives each table of one cell as a list of rows. Slow, and meant to be: tiny
stores only.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import fsum, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from bisae.store.records import Block, Codes
from bisae.study import Features

Z = 1.959964
"""The normal quantile of a 95 % interval."""
MIXED = "mixed"

Row = dict[str, Any]
Vector = np.ndarray[Any, np.dtype[np.floating[Any]]]
AnyPath = tuple[int, int]
"""A document and a position in it."""
Word = tuple[str, str]
"""A concept and its topic."""


class Token(NamedTuple):
    """One evaluation token."""

    token_row: int
    document: int
    position: int
    token_id: int
    language: str


class Activation(NamedTuple):
    """One stored code above zero."""

    token_row: int
    feature: int
    value: float


class Bin(NamedTuple):
    """One row of `mono_null`."""

    n_tokens_low: int
    n_tokens_high: int
    monosemanticity: float


@dataclass(frozen=True)
class Corpus:
    """The evaluation split."""

    tokens: Mapping[int, Token]
    """By token_row."""
    languages: Sequence[str]
    context: int
    permuted: Mapping[int, str]
    """Document -> the language that the permutation gives it."""

    @cached_property
    def occurrences(self) -> Mapping[int, Counter[str]]:
        """Token id -> how often it occurs in each language."""
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for token in self.tokens.values():
            counts[token.token_id][token.language] += 1
        return counts


@dataclass(frozen=True)
class Rules:
    """What the metrics are computed by."""

    settings: Features
    semantic_threshold: float
    embeddings: Mapping[int, Vector]
    """By token_id."""
    mono_null: Sequence[Bin]


# -- from the store's arrays ----------------------------------------------------------


def tokens_of(
    blocks: Iterable[Block], context: int, languages: Sequence[str]
) -> dict[int, Token]:
    """Every real token of a split, by its row in the codes."""
    actual = {}
    for block in blocks:
        for i in range(len(block.length)):
            document = block.first + i
            language = languages[int(block.language[i])]
            for position in range(int(block.length[i])):
                row = document * (context - 1) + position
                token_id = int(block.token_id[i][position])
                actual[row] = Token(row, document, position, token_id, language)
    return actual


def activations_of(blocks: Iterable[Codes]) -> list[Activation]:
    """Every code above zero, as stored (float16)."""
    return [
        Activation(block.first + i, int(feature), float(value))
        for block in blocks
        for i in range(len(block.index))
        for feature, value in zip(block.index[i], block.value[i], strict=True)
        if value > 0
    ]


# -- activations and firings ----------------------------------------------------------


def maxima(activations: Iterable[Activation]) -> dict[int, float]:
    """The largest value of every alive feature."""
    largest: dict[int, float] = {}
    for item in activations:
        largest[item.feature] = max(item.value, largest.get(item.feature, 0.0))
    return largest


def firings(activations: Sequence[Activation], threshold: float) -> list[Activation]:
    """The activations above `threshold` times their feature's maximum."""
    largest = maxima(activations)
    return [
        activation
        for activation in activations
        if activation.value > threshold * largest[activation.feature]
    ]


def by_feature(
    corpus: Corpus, activations: Iterable[Activation]
) -> dict[int, list[Token]]:
    """The tokens on which each feature stands."""
    actual: dict[int, list[Token]] = defaultdict(list)
    for activation in activations:
        actual[activation.feature].append(corpus.tokens[activation.token_row])
    return dict(actual)


def top_share(counts: Mapping[Any, int]) -> float:
    """The share of the most frequent."""
    return max(counts.values()) / sum(counts.values())


# -- languages ------------------------------------------------------------------------


def language_class(languages: Iterable[str], threshold: float) -> str:
    """The language of more than `threshold` of the firings, else mixed."""
    counts = Counter(languages)
    total = sum(counts.values())
    for language, count in counts.items():
        if count / total > threshold:
            return language
    return MIXED


def exclusive_tokens(
    tokens: Iterable[Token], threshold: float, minimum: int = 1
) -> dict[int, str]:
    """Token ids that are exclusive, and in which language; at least so often.

    In exact fractions: 9 of 10 is not more than 0.9, however many tokens there are.
    """
    seen: dict[int, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for token in tokens:
        seen[token.token_id][token.language] += 1
        totals[token.language] += 1
    limit = Fraction(str(threshold))
    actual = {}
    for token_id, counts in seen.items():
        rates = {name: Fraction(n, totals[name]) for name, n in counts.items()}
        for language, rate in rates.items():
            if counts.total() >= minimum and rate / sum(rates.values()) > limit:
                actual[token_id] = language
    return actual


def language_columns(
    fired: Sequence[Token],
    exclusive: Mapping[int, str],
    permuted: Mapping[int, str],
    settings: Features,
) -> Row:
    """The three classes of a feature, and the share of firings on shared tokens."""
    limit = settings.class_threshold
    local = [
        exclusive[token.token_id] for token in fired if token.token_id in exclusive
    ]
    enough = len(local) >= settings.min_exclusive_firings
    return {
        "language": language_class((token.language for token in fired), limit),
        "language_permuted": language_class(
            (permuted[t.document] for t in fired), limit
        ),
        "language_exclusive": language_class(local, limit) if enough else None,
        "p_shared": (len(fired) - len(local)) / len(fired),
    }


def sure_class(fired: Sequence[Token], threshold: float) -> str | None:
    """The class, if the interval of its share is on one side of the threshold.

    The interval is Wilson's, of Kish's effective number of documents.
    """
    documents = Counter(token.document for token in fired)
    effective = len(fired) ** 2 / sum(n * n for n in documents.values())
    language, count = Counter(token.language for token in fired).most_common(1)[0]
    low, high = wilson_of(count / len(fired), effective)
    if low > threshold:
        return language
    return MIXED if high <= threshold else None


def mixed_by_tokens(fired: Sequence[Token], corpus: Corpus, threshold: float) -> bool:
    """Would it be mixed, if it fired on the same tokens in every language?"""
    language, count = Counter(token.language for token in fired).most_common(1)[0]
    expected = Fraction(0)
    for token in fired:
        if token.language == language:
            occurrences = corpus.occurrences[token.token_id]
            elsewhere = occurrences.total() - occurrences[language]
            expected += Fraction(elsewhere, occurrences[language])
    return count / (count + float(expected)) <= threshold


# -- meaning --------------------------------------------------------------------------


def entropy(counts: Iterable[int]) -> float:
    """Entropy of the counts' shares, natural logarithm."""
    counts = list(counts)
    total = sum(counts)
    return fsum(n / total * log(total / n) for n in counts if n)


def neighbours(token_ids: Sequence[int], rules: Rules) -> dict[int, set[int]]:
    """For each token id, the others whose cosine with it exceeds the threshold."""
    rows = np.array([rules.embeddings[item] for item in token_ids], dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths == 0, 1, lengths)
    near: dict[int, set[int]] = {item: set() for item in token_ids}
    for i, j in np.argwhere(rows @ rows.T > rules.semantic_threshold):
        if i != j:
            near[token_ids[i]].add(token_ids[j])
    return near


def components(near: Mapping[int, set[int]]) -> list[set[int]]:
    """Connected components."""
    rest, actual = set(near), []
    while rest:
        member, edge = set(), {rest.pop()}
        while edge:
            result = edge.pop()
            member.add(result)
            edge |= near[result] - member
        rest -= member
        actual.append(member)
    return actual


def greedy(near: Mapping[int, set[int]], counts: Mapping[int, int]) -> list[set[int]]:
    """Leader clusters: the most frequent first, each joins the first leader near it."""
    actual: dict[int, set[int]] = {}
    for count in sorted(counts, key=lambda token_id: (-counts[token_id], token_id)):
        leader = next((leader for leader in actual if leader in near[count]), count)
        actual.setdefault(leader, set()).add(count)
    return list(actual.values())


def clusters(counts: Mapping[int, int], rules: Rules) -> dict[int, int]:
    """Each token id's cluster, which is named by its smallest token id."""
    near = neighbours(sorted(counts), rules)
    if rules.settings.clustering == "greedy":
        groups = greedy(near, counts)
    else:
        groups = components(near)
    return {item: min(group) for group in groups for item in group}


def monosemanticity(tokens: float, semantic: float) -> float:
    """Equation 6, from the token and the semantic entropy."""
    return 1.0 if tokens == 0 else 1 - semantic / tokens


def null_at(bins: Iterable[Bin], n_tokens: int) -> float | None:
    """What a random set of so many tokens scores; null where no bin holds it."""
    for item in sorted(bins, reverse=True):
        if item.n_tokens_low <= n_tokens <= item.n_tokens_high:
            return item.monosemanticity
    return None


def meaning_columns(fired: Sequence[Token], rules: Rules) -> Row:
    """How many meanings a feature has."""
    counts = Counter(token.token_id for token in fired)
    cluster = clusters(counts, rules)
    sizes = Counter(cluster[token.token_id] for token in fired)
    over_tokens, over_clusters = entropy(counts.values()), entropy(sizes.values())
    return {
        "n_tokens": len(counts),
        "n_clusters": len(sizes),
        "largest_cluster_share": top_share(sizes),
        "token_entropy": over_tokens,
        "semantic_entropy": over_clusters,
        "monosemanticity": monosemanticity(over_tokens, over_clusters),
        "monosemanticity_null": null_at(rules.mono_null, len(counts)),
    }


# -- spans ----------------------------------------------------------------------------


def runs(places: Iterable[AnyPath]) -> list[list[AnyPath]]:
    """Split into runs of consecutive positions of one document."""
    actual: list[list[AnyPath]] = []
    for document, position in sorted(places):
        if not actual or actual[-1][-1] != (document, position - 1):
            actual.append([])
        actual[-1].append((document, position))
    return actual


def mean_span(tokens: Iterable[Token]) -> float:
    """Mean length of the runs."""
    lengths = [len(run) for run in runs((t.document, t.position) for t in tokens)]
    return sum(lengths) / len(lengths)


def truncated_share(tokens: Iterable[Token], context: int) -> float:
    """The share of runs that reach the window's last position."""
    ends = [run[-1][1] for run in runs((t.document, t.position) for t in tokens)]
    return ends.count(context - 2) / len(ends)


# -- the tables of one cell -----------------------------------------------------------


def support_columns(fired: Sequence[Token], settings: Features) -> Row:
    """How much stands behind a feature, and where in the window."""
    n_documents = len({token.document for token in fired})
    enough = len(fired) >= settings.min_firings
    return {
        "n_firings": len(fired),
        "n_documents": n_documents,
        "supported": enough and n_documents >= settings.min_documents,
        "p_top_position": top_share(Counter(token.position for token in fired)),
    }


def feature_rows(
    corpus: Corpus, rules: Rules, activations: Sequence[Activation]
) -> list[Row]:
    """The table `features`: one row per alive feature."""
    active, largest = by_feature(corpus, activations), maxima(activations)
    fired = by_feature(corpus, firings(activations, rules.settings.firing_threshold))
    return [
        {
            **row,
            "n_active": len(active[row["feature"]]),
            "max_value": largest[row["feature"]],
            "mean_span_active": mean_span(active[row["feature"]]),
        }
        for row in fired_rows(corpus, rules, fired)
    ]


def fired_rows(
    corpus: Corpus, rules: Rules, fired: Mapping[int, Sequence[Token]]
) -> list[Row]:
    """What is known of each feature from its firings alone."""
    settings = rules.settings
    exclusive = exclusive_tokens(
        corpus.tokens.values(),
        settings.exclusive_threshold,
        settings.min_exclusive_occurrences,
    )
    limit = settings.class_threshold
    return [
        {
            "feature": feature,
            **support_columns(on, settings),
            **language_columns(on, exclusive, corpus.permuted, settings),
            "language_sure": sure_class(on, limit),
            "mixed_by_tokens": mixed_by_tokens(on, corpus, limit),
            **meaning_columns(on, rules),
            "mean_span": mean_span(on),
            "truncated_share": truncated_share(on, corpus.context),
        }
        for feature, on in sorted(fired.items())
    ]


def feature_language_rows(
    corpus: Corpus, rules: Rules, activations: Sequence[Activation]
) -> list[Row]:
    """The table `feature_languages`: each alive feature with each language."""
    fired = by_feature(corpus, firings(activations, rules.settings.firing_threshold))
    actual = []
    for feature, on in sorted(fired.items()):
        counts = Counter(token.language for token in on)
        for language in corpus.languages:
            n = counts[language]
            row = {"feature": feature, "language": language, "n_firings": n}
            actual.append({**row, "p": n / len(on)})
    return actual


def cluster_rows(
    corpus: Corpus, rules: Rules, activations: Sequence[Activation]
) -> list[Row]:
    """The table `clusters`: each token id on which a feature fires."""
    fired = by_feature(corpus, firings(activations, rules.settings.firing_threshold))
    return [
        {"feature": feature, "token_id": token_id, "cluster": cluster}
        for feature, on in sorted(fired.items())
        for token_id, cluster in clusters(
            Counter(t.token_id for t in on), rules
        ).items()
    ]


def firing_rows(rules: Rules, activations: Sequence[Activation]) -> list[Row]:
    """The table `firings`."""
    return [
        firing._asdict()
        for firing in firings(activations, rules.settings.firing_threshold)
    ]


# -- trends ---------------------------------------------------------------------------


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    return wilson_of(count / total, total)


def wilson_of(p: float, total: float) -> tuple[float, float]:
    """The same of a number that need not be whole."""
    spread = Z * Z / total
    half = Z * sqrt(p * (1 - p) / total + spread / (4 * total))
    return (p + spread / 2 - half) / (1 + spread), (p + spread / 2 + half) / (
        1 + spread
    )


def mean(values: Sequence[float]) -> float | None:
    """The mean, null of nothing."""
    return fsum(values) / len(values) if values else None


def with_interval(
    name: str, value: float | None, interval: tuple[float | None, float | None]
) -> Row:
    """A column and its two bounds."""
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}


def share_columns(name: str, count: int, total: int) -> Row:
    """A share and its Wilson interval, null of nothing."""
    if not total:
        return with_interval(name, None, (None, None))
    return with_interval(name, count / total, wilson(count, total))


def mean_columns(name: str, values: Sequence[float]) -> Row:
    """A mean and its normal interval; a single value has none."""
    centre = mean(values)
    if centre is None or len(values) == 1:
        return with_interval(name, centre, (None, None))
    variance = fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    half = Z * sqrt(variance / len(values))
    return with_interval(name, centre, (centre - half, centre + half))


def populations(
    features: Sequence[Row], n_features: int
) -> Iterator[tuple[str, list[Row], int]]:
    """Each population, its alive features, and how many dead ones it counts."""
    yield "all", list(features), n_features - len(features)
    yield "alive", list(features), 0
    yield "supported", [feature for feature in features if feature["supported"]], 0


MEANS = (
    "monosemanticity",
    "monosemanticity_null",
    "token_entropy",
    "semantic_entropy",
    "mean_span",
    "mean_span_active",
)


def trend_rows(features: Sequence[Row], n_features: int) -> list[Row]:
    """The table `trends`, but for what it takes over from `cells`."""
    actual = []
    for population, alive, dead in populations(features, n_features):
        total = len(alive) + dead
        local = [f["language_exclusive"] for f in alive if f["language_exclusive"]]
        row: Row = {"population": population, "n_features": total}
        row["n_dead"] = n_features - len(features)
        for name, column in (
            ("mixed_share", "language"),
            ("mixed_share_null", "language_permuted"),
        ):
            n_mixed = sum(item[column] == MIXED for item in alive) + dead
            row |= share_columns(name, n_mixed, total)
        row |= share_columns("mixed_share_exclusive", local.count(MIXED), len(local))
        paired = sum(f["language"] == MIXED for f in alive if f["language_exclusive"])
        row |= share_columns("mixed_share_paired", paired, len(local))
        by_tokens = sum(bool(f.get("mixed_by_tokens")) for f in alive)
        row |= share_columns("mixed_share_by_tokens", by_tokens, len(alive))
        sure = Counter(f.get("language_sure") for f in alive)
        row |= share_columns("mixed_share_sure", sure[MIXED], total)
        row |= share_columns("undecided_share", sure[None] + dead, total)
        n_firings = sum(f.get("n_firings", 0) for f in alive)
        row["firings_per_feature"] = n_firings / len(alive) if alive else None
        n_single = sum(item["n_tokens"] == 1 for item in alive)
        row |= share_columns("single_token_share", n_single, len(alive))
        for name in MEANS:
            values = [item[name] for item in alive if item.get(name) is not None]
            row |= mean_columns(name, values)
        for name, chosen in (
            ("paired", [f for f in alive if f["monosemanticity_null"] is not None]),
            ("two_tokens", [f for f in alive if f["n_tokens"] > 1]),
        ):
            values = [f["monosemanticity"] for f in chosen]
            row |= mean_columns(f"monosemanticity_{name}", values)
        actual.append(row)
    return actual


def trend_language_rows(
    features: Sequence[Row], n_features: int, languages: Sequence[str]
) -> list[Row]:
    """The table `trend_languages`: every class of every population."""
    actual = []
    for population, alive, dead in populations(features, n_features):
        counts = Counter(item["language"] for item in alive)
        counts[MIXED] += dead
        local = Counter(
            f["language_exclusive"] for f in alive if f["language_exclusive"]
        )
        for language in (*languages, MIXED):
            row: Row = {"population": population, "language": language}
            row |= {"n_features": counts[language]}
            row |= share_columns("share", counts[language], len(alive) + dead)
            row |= share_columns("share_exclusive", local[language], local.total())
            actual.append(row)
    return actual


# -- concepts of a lexicon ------------------------------------------------------------


class Alignment(NamedTuple):
    """How far a feature stands on the same things in two languages."""

    same_topic: float | None
    same_concept: float | None
    same_concept_chance: float | None


def word_shares(fired: Iterable[Token], words: Mapping[int, Word]) -> dict[Word, float]:
    """Shares of the concepts among the firings on concept words."""
    counts = Counter(words[t.token_row] for t in fired if t.token_row in words)
    return {word: n / sum(counts.values()) for word, n in counts.items()}


def topic_shares(shares: Mapping[Word, float]) -> dict[str, float]:
    """Shares of the topics."""
    topics = {topic for _, topic in shares}
    return {
        item: fsum(p for word, p in shares.items() if word[1] == item)
        for item in topics
    }


def agreement(
    left: Mapping[Any, float],
    right: Mapping[Any, float],
    weight: Callable[[Any], float] = lambda _: 1.0,
) -> float:
    """The weighted chance that one draw from each is the same."""
    return fsum(left[item] * right[item] * weight(item) for item in left.keys() & right)


def concept_chances(
    tokens: Iterable[Token], words: Mapping[int, Word], pair: tuple[str, str]
) -> dict[str, float]:
    """By topic, the chance that a word of each language, from the text, is of one
    concept."""
    tokens = list(tokens)
    left, right = (
        word_shares([t for t in tokens if t.language == language], words)
        for language in pair
    )
    left_topics, right_topics = topic_shares(left), topic_shares(right)
    chances: dict[str, float] = defaultdict(float)
    for word in left.keys() & right:
        topic = word[1]
        in_topic = left[word] / left_topics[topic], right[word] / right_topics[topic]
        chances[topic] += in_topic[0] * in_topic[1]
    return chances


def alignment(
    fired: Sequence[Token],
    words: Mapping[int, Word],
    chances: Mapping[str, float],
    pair: tuple[str, str],
) -> Alignment:
    """Measure one feature; null where a language has no concept word in its firings."""
    rest, right = (
        word_shares([t for t in fired if t.language == language], words)
        for language in pair
    )
    if not rest or not right:
        return Alignment(None, None, None)
    topics = topic_shares(rest), topic_shares(right)
    same_topic = agreement(*topics)
    if same_topic == 0:
        return Alignment(0.0, None, None)
    by_chance = agreement(*topics, lambda topic: chances.get(topic, 0.0))
    same = agreement(rest, right) / same_topic
    return Alignment(same_topic, same, by_chance / same_topic)


def mixed_alignments(
    fired: Mapping[int, Sequence[Token]],
    words: Mapping[int, Word],
    tokens: Iterable[Token],
    pair: tuple[str, str],
    threshold: float,
) -> dict[int, Alignment]:
    """The alignment of every feature of the class mixed, in a text of these tokens."""
    chances = concept_chances(tokens, words, pair)
    return {
        feature: alignment(on, words, chances, pair)
        for feature, on in fired.items()
        if language_class((token.language for token in on), threshold) == MIXED
    }


def mean_alignment(found: Iterable[Alignment]) -> Alignment:
    """The mean over the features that have each measure."""
    columns = zip(*found, strict=True)
    attributes = [
        [value for value in column if value is not None] for column in columns
    ]
    return (
        Alignment(*map(mean, attributes)) if attributes else Alignment(None, None, None)
    )
