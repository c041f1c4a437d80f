"""Do features that fire on both words of a concept help with the other language's word?

    python benchmarks/concepts.py toy/toy.toml     # after `bisae demo --folder toy`

Reads a built study with [intervention], its translations' pairs, and a lexicon. A text
is a pair: a sentence and its translation. Both models read it, and features of the
full model steer the mid-training model (equation 7 without b_pre). Losses are measured
on words of the second sentence whose translation is in the first, and on all its other
tokens. Prints changes from the baseline, as means over pairs with intervals of 1.96
standard errors.

- concept: mixed features that fire on both words of one concept, in the text that
  decided the classes
- mixed: as many mixed features that do not
- random: as many alive features, five draws
- random, same firings: enough alive features for the same number of firings
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import torch
from torch import Tensor

from bisae.corpus import bos_token_id, load_tokenizer
from bisae.corpus.lexicon import Lexicon, load_lexicon
from bisae.formats import render
from bisae.intervene import Plan, make_plan, open_cell_model
from bisae.intervene.equation import masked_decoders, steering_function
from bisae.intervene.steering import SteeringVector
from bisae.lm import LanguageModel
from bisae.lm.configurations import with_layers
from bisae.progress import track
from bisae.query import connect, rows_of
from bisae.sae import load_autoencoder
from bisae.store import Store, create_store
from bisae.study import load_study

ALPHAS = (0.1, 0.5, 1.0)
DRAWS = 5
FEATURES = """
select
    feature,
    any_value(language) as class,
    any_value(n_firings) as n_firings,
    coalesce(bool_or(concept is not null), false) as on_both_words
from features
left join (
    select size, step, layer, feature, concept
    from feature_concepts
    group by all
    having count(distinct language) > 1
) using (size, step, layer, feature)
where (size, step, layer) = (?, ?, ?)
group by feature
order by feature
"""
CHANGES = """
with of_pair as (
    select
        added, n_features, alpha, pair, is_word, draw,
        avg(loss - baseline) as change
    from losses
    group by all
),

drawn as (
    select added, avg(n_features) as n_features, alpha, is_word, pair,
        avg(change) as change
    from of_pair
    group by added, alpha, is_word, pair
),

summary as (
    select
        added, avg(n_features) as features, alpha, is_word,
        avg(change) as change,
        1.96 * stddev_samp(change) / sqrt(count(*)) as half
    from drawn
    group by all
)

select
    words.added,
    words.features,
    words.alpha,
    words.change as word,
    words.half as word_pm,
    others.change as others,
    others.half as others_pm
from summary as words
inner join summary as others using (added, alpha)
where words.is_word and not others.is_word
order by alpha, added
"""


class Text(NamedTuple):
    """A pair as tokens."""

    token_id: Tensor
    """(1, tokens), BOS in front."""
    second: list[int]
    """Positions of the second sentence's tokens."""
    words: set[int]
    """Those positions whose word has its translation in the first sentence."""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    study = with_layers(load_study(arguments.study))
    store = create_store(study)
    plan = make_plan(store)
    sets = list(chosen(store, plan))
    rows = list(losses(store, plan, sets, list(texts(store, arguments.pairs))))
    con = duckdb.connect()
    con.register("losses", pa.Table.from_pylist(rows))
    print(render(rows_of(con, CHANGES), "markdown"))


def chosen(store: Store, plan: Plan) -> Iterator[SteeringVector]:
    """Yield the sets of features that steer."""
    query = FEATURES.replace("?", "null")
    features = connect(store, query=query).execute(FEATURES, list(plan.full)).fetchall()
    firings = {feature: n for feature, _, n, _ in features}
    concept = [f for f, name, _, on_both in features if name == "mixed" and on_both]
    other_mixed = [
        f for f, name, _, on_both in features if name == "mixed" and not on_both
    ]
    n_firings = sum(firings[feature] for feature in concept)
    yield SteeringVector("concept", "m", 0, 0, tuple(concept))
    for draw in range(DRAWS):
        random = Random(draw)
        mixed = random.sample(other_mixed, min(len(other_mixed), len(concept)))
        shuffled = random.sample(sorted(firings), len(firings))
        yield SteeringVector("mixed", "m", 0, draw, tuple(mixed))
        yield SteeringVector("random", "m", 0, draw, tuple(shuffled[: len(concept)]))
        chosen_features, total = [], 0
        for feature in shuffled:
            if total < n_firings:
                chosen_features.append(feature)
                total += firings[feature]
        yield SteeringVector(
            "random, same firings", "m", 0, draw, tuple(chosen_features)
        )


def texts(store: Store, n_pairs: int) -> Iterator[Text]:
    """Yield the study's pairs, each language first in turn."""
    study, languages = store.study, store.languages
    assert study.intervention
    assert study.intervention.translation
    assert study.lexicon
    lexicon = load_lexicon(Path(study.lexicon.file), languages)
    tokenizer = load_tokenizer(study)
    bos = bos_token_id(study, tokenizer)
    (file, *_) = study.intervention.translation.files
    lines = Path(file).read_text("utf-8").splitlines()[:n_pairs]
    for number, line in enumerate(lines):
        order = languages if number % 2 == 0 else languages[::-1]
        yield tokens(json.loads(line), order, lexicon, tokenizer, bos)


def tokens(
    pair: dict[str, str],
    order: Sequence[str],
    lexicon: Lexicon,
    tokenizer: Any,
    bos: int,
) -> Text:
    """Tokenize a pair; find the tokens of the second sentence and of its words."""
    first, second = (pair[language] for language in order)
    gap = " " if order[1] == "en" else ""
    text, start = first + gap + second, len(first)
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    concepts = {match.concept for match in lexicon.find(first, order[0])}
    places = [
        (start + len(gap) + match.start, start + len(gap) + match.end)
        for match in lexicon.find(second, order[1])
        if match.concept in concepts
    ]
    of_second, words = [], set()
    for position, (a, b) in enumerate(encoding["offset_mapping"], start=1):
        if a >= start:
            of_second.append(position)
            if any(a < end and b > begin for begin, end in places):
                words.add(position)
    return Text(torch.tensor([[bos, *encoding["input_ids"]]]), of_second, words)


def losses(
    store: Store, plan: Plan, sets: Sequence[SteeringVector], pairs: Sequence[Text]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each token of a second sentence and each setting."""
    full, mid = open_cell_model(store, plan.full), open_cell_model(store, plan.mid)
    sae = load_autoencoder(store, plan.full, full.device)
    layer = plan.mid.layer
    decoders = list(zip(sets, masked_decoders(sets, sae, 0), strict=True))
    for number, text in enumerate(track(pairs, len(pairs), "pairs", "pairs")):
        mask = torch.ones_like(text.token_id, dtype=torch.bool)
        raw = full.hidden_states(text.token_id, mask, [layer])[layer][0, 1:].float()
        baseline = mid.token_losses(text.token_id, mask)[0]
        for vector, decoder in decoders:
            steering = steering_function(sae, decoder, 1.0, None, scale_back=False)(raw)
            for alpha in ALPHAS:
                loss = with_added(mid, layer, text.token_id, mask, alpha * steering)
                for position in text.second:
                    yield {
                        "added": vector.added,
                        "draw": vector.draw,
                        "n_features": len(vector.features),
                        "alpha": alpha,
                        "pair": number,
                        "is_word": position in text.words,
                        "loss": float(loss[position - 1]),
                        "baseline": float(baseline[position - 1]),
                    }


def with_added(
    mid: LanguageModel, layer: int, token_id: Tensor, mask: Tensor, added: Tensor
) -> Tensor:
    """Return token losses with (tokens, d) added at every position but BOS."""
    whole = torch.cat([torch.zeros(1, added.shape[1]), added])[None]
    with mid.edited(layer, lambda state: state + whole.to(state)):
        return mid.token_losses(token_id, mask)[0]


if __name__ == "__main__":
    main()
