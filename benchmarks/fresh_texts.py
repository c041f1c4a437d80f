"""How often do the intervals over documents hold for texts that were not seen?

    python benchmarks/fresh_texts.py TOY FOLDER [--texts 16] [--replicates 32]

TOY is the folder that `bisae demo` wrote. Its autoencoders encode fresh texts of the
same world, each as long as the toy's evaluation text. Every text gives an estimate with
an interval, which should contain the mean of the other texts in 95 % of cases. Prints,
for each kind of interval, the coverage and the ratio of the variance that the intervals
state to that of the estimates over texts; and how many features keep their class on the
next text, if it is sure and if it is not.
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, pairwise
from math import sqrt
from pathlib import Path
from random import Random
from statistics import fmean, variance
from typing import NamedTuple

from bisae.demo.toy import LANGUAGES, World, draw_document, make_world, verbalize
from bisae.grid import Cell, Selection
from bisae.pipeline.build import build
from bisae.pipeline.prepare import prepare
from bisae.query import Connection, connect, rows_of
from bisae.store import Store, open_store
from bisae.study import Study
from bisae.tables.bootstrap import draw_replicates

CELLS = [
    Cell("0.2M", 100, 1),
    Cell("0.2M", 900, 1),
    Cell("0.5M", 100, 2),
    Cell("0.5M", 900, 2),
]
DOCUMENTS = 4_000
T_7 = 2.364624
"""The 97.5 % quantile of Student's t with 7 degrees of freedom."""
Z = 1.959964
MEASURES = {
    "mixed_share": "n_mixed / n_features",
    "mixed_share_exclusive": "n_mixed_exclusive / n_exclusive",
}


class Interval(NamedTuple):
    """An estimate from one text, its standard deviation and half of its interval."""

    estimate: float
    deviation: float
    half: float


def main() -> None:
    """Encode the texts and print the coverage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--replicates", type=int, default=32)
    arguments = parser.parse_args()
    toy = open_store(str(arguments.toy / "store"))
    world = make_world(0)
    by_name: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    classes: list[dict[tuple[object, ...], tuple[str, bool]]] = []
    for number in range(arguments.texts):
        folder = arguments.folder / str(number)
        write_text(folder, world, number)
        store = encode(toy, folder)
        draw_replicates(store, Selection(), arguments.replicates, 0)
        with closing(connect(store)) as con:
            for kind, name, interval in intervals(con):
                by_name[kind, name].append(interval)
            query = """
                select size, step, layer, feature, language, language_sure is not null
                from features
            """
            rows = rows_of(con, query).values
            classes.append({row[:4]: (row[4], row[5]) for row in rows})
    report(by_name)
    report_classes(classes)


def write_text(folder: Path, world: World, number: int) -> None:
    """Write fresh documents in both languages."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        rng, gap = Random(f"fresh/{number}/{language}"), world.forms[language].gap
        with (folder / f"{language}.jsonl").open("w") as file:
            for _ in range(DOCUMENTS):
                _, meanings = draw_document(world, rng)
                sentences = (gap + verbalize(world, m, language) for m in meanings)
                file.write(json.dumps({"text": "".join(sentences).lstrip()}) + "\n")


def encode(toy: Store, folder: Path) -> Store:
    """Encode a text with the toy's autoencoders, and export it."""
    texts = tuple(
        text.model_copy(update={"files": (str(folder / f"{text.language}.jsonl"),)})
        for text in toy.study.corpus.text
    )
    corpus = toy.study.corpus.model_copy(
        update={
            "text": texts,
            "train_tokens": 20_000,
            "valid_share": 0.05,
            "heldout_tokens": 2_000,
        }
    )
    study: Study = toy.study.model_copy(
        update={
            "store": str(folder / "store"),
            "corpus": corpus,
            "lexicon": None,
            "intervention": None,
        }
    )
    store = prepare(study)
    for cell in CELLS:
        source, target = (Path(str(s.folder(cell))) / "sae" for s in (toy, store))
        if not target.exists():
            shutil.copytree(source, target)
    for cell in CELLS:
        only = Selection(*(frozenset({part}) for part in cell))
        build(study, only, ("encode", "export"))
    return store


def intervals(con: Connection) -> Iterator[tuple[str, str, Interval]]:
    """Yield a text's intervals: of each cell's share, and of all differences."""
    eighths: dict[tuple[str, Cell], list[float]] = defaultdict(list)
    wholes: dict[tuple[str, Cell], float] = {}
    for measure, share in MEASURES.items():
        query = f"""
            select size, step, layer, {share} from text_parts
            where features = 'all' and documents not in ('half', 'other half')
            order by documents
        """
        for *address, value in rows_of(con, query).values:
            eighths[measure, Cell(*address)].append(value)
        query = f"""
            select size, step, layer, {measure} from trends where population = 'alive'
        """
        wholes |= {
            (measure, Cell(*address)): value
            for *address, value in rows_of(con, query).values
        }
    query = """
        select size, step, layer, n, n_exclusive from trend_counts
        where population = 'alive'
    """
    counts: dict[tuple[str, Cell], int] = {}
    for *address, n_features, n_exclusive in rows_of(con, query).values:
        counts["mixed_share", Cell(*address)] = n_features
        counts["mixed_share_exclusive", Cell(*address)] = n_exclusive
    for key, whole in wholes.items():
        name = f"{key[0]} {key[1]}"
        interval = over_eighths(whole, eighths[key])
        yield "eighths", name, interval
        yield "and features", name, with_features(interval, [(whole, counts[key])])
    for (first, second), measure in (
        (pair, measure) for pair in combinations(CELLS, 2) for measure in MEASURES
    ):
        a, b = (measure, first), (measure, second)
        parts = [x - y for x, y in zip(eighths[a], eighths[b], strict=True)]
        whole = wholes[a] - wholes[b]
        name = f"{measure} {first} - {second}"
        interval = over_eighths(whole, parts)
        yield "differences", name, interval
        shares = [(wholes[key], counts[key]) for key in (a, b)]
        yield "differences, and features", name, with_features(interval, shares)
    query = """
        select name, size, step, layer, estimate, standard_deviation, factor
        from uncertainty where population = 'alive'
    """
    for name, *address, estimate, deviation, factor in rows_of(con, query).values:
        title = f"{name} {Cell(*address)}"
        if deviation and not name.startswith("share of"):
            narrow = deviation / factor
            yield "bootstrap", title, Interval(estimate, narrow, Z * narrow)
            wide = Interval(estimate, deviation, Z * deviation)
            yield "bootstrap, widened", title, wide


def over_eighths(whole: float, parts: list[float]) -> Interval:
    """Return the interval that the eighths of a text give for the whole."""
    # The variance of a share of features falls as 1 / sqrt(n).
    deviation = sqrt(variance(parts) / sqrt(len(parts)))
    return Interval(whole, deviation, T_7 * deviation)


def with_features(interval: Interval, shares: list[tuple[float, int]]) -> Interval:
    """Add the variance over features, as the findings do."""
    adjusted = [((n * share + 2) / (n + 4), n) for share, n in shares]
    variances = [share * (1 - share) / n for share, n in adjusted]
    deviation = sqrt(interval.deviation**2 + sum(variances))
    return Interval(interval.estimate, deviation, Z * deviation)


def report(by_name: dict[tuple[str, str], list[Interval]]) -> None:
    """Print the coverage of each kind of interval."""
    covered: dict[str, list[bool]] = defaultdict(list)
    ratios: dict[str, list[float]] = defaultdict(list)
    for (kind, _), listed in by_name.items():
        estimates = [item.estimate for item in listed]
        if len(listed) < 3 or variance(estimates) == 0:
            continue
        stated = fmean(item.deviation**2 for item in listed)
        ratios[kind].append(stated / variance(estimates))
        n = len(listed)
        for item in listed:
            others = (sum(estimates) - item.estimate) / (n - 1)
            # The mean of the others is not exact either.
            half = item.half * sqrt(1 + 1 / (n - 1))
            covered[kind].append(abs(item.estimate - others) <= half)
    print("interval                 covered   intervals   stated / true variance")
    for kind, hits in covered.items():
        share, ratio = fmean(hits), fmean(ratios[kind])
        print(f"{kind:24} {share:7.3f} {len(hits):11,} {ratio:12.2f}")


def report_classes(
    classes: list[dict[tuple[object, ...], tuple[str, bool]]],
) -> None:
    """Print how many features keep their class from one text to the next."""
    kept: dict[bool, list[bool]] = defaultdict(list)
    for text, following in pairwise(classes):
        for feature, (language, is_sure) in text.items():
            if feature in following:
                kept[is_sure].append(following[feature][0] == language)
    for is_sure, hits in sorted(kept.items(), reverse=True):
        name = "sure classes" if is_sure else "other classes"
        print(f"{name:24} {fmean(hits):7.3f} {len(hits):11,} kept on the next text")


if __name__ == "__main__":
    main()
