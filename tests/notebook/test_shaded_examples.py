"""Examples of a feature: against its codes, and how texts are shaded and joined."""

import re
from html import unescape
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import bisae
from bisae.api import OpenStore
from bisae.errors import AddressError
from bisae.grid import Cell
from bisae.notebook.examples import Examples
from bisae.store import Store

CELL = Cell("M", 40, 1)


@pytest.fixture(scope="module")
def store(tiny: Store) -> OpenStore:
    return bisae.open(str(tiny.path))


@pytest.fixture(scope="module")
def codes(tiny: Store) -> pd.DataFrame:
    """Every activation of the cell, in token order."""
    batches = tiny.read_codes(CELL)
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas()
    return frame


@pytest.fixture(scope="module")
def feature(codes: pd.DataFrame) -> int:
    """A feature that is active on many tokens."""
    return int(codes.feature.value_counts().index[3])


def test_examples_are_the_strongest_activations(
    store: OpenStore, codes: pd.DataFrame, feature: int
) -> None:
    examples = store.examples(*CELL, feature, n=6)
    own = codes[codes.feature == feature]
    top = own.sort_values(["value", "token_row"], ascending=[False, True])[:6]
    frame = examples.frame
    assert len(examples) == len(frame) == 6
    width = store.study.corpus.context - 1
    assert (frame.document * width + frame.position).tolist() == top.token_row.tolist()
    assert frame.value.tolist() == top.value.tolist()
    activation = dict(zip(own.token_row, own.value, strict=True))
    for row in frame.to_dict("records"):
        first = row["document"] * width
        assert row["activations"] == [
            activation.get(first + position, 0)
            for position in range(len(row["tokens"]))
        ]
        assert row["activations"][row["position"]] == row["value"]


def test_a_notebook_shows_whole_texts_shaded(store: OpenStore, feature: int) -> None:
    examples = store.examples(*CELL, feature, n=20)
    html = examples._repr_html_()
    texts = re.findall(r'<span dir="auto"[^>]*>(.*?)</span></p>', html, re.DOTALL)
    shown = [unescape(re.sub("<[^>]*>", "", text)) for text in texts]
    where = f"step = 40 and size = 'M' and layer = 1 and feature = {feature}"
    query = f"select context from activation_examples where {where} order by rank"
    assert shown == store.sql(query).context.tolist()
    assert html.count("border-bottom") == len(examples)


def handmade(tokens: list[str], activations: list[float], position: int) -> Examples:
    row: dict[str, Any] = {"rank": 1, "value": activations[position], "language": "ja"}
    row |= {"document": 0, "position": position, "tokens": tokens}
    return Examples("f", pd.DataFrame([row | {"activations": activations}]), 0.7)


def test_a_split_character_is_shaded_as_one() -> None:
    """By the strongest of its tokens, and tokens that fire in a row are one run."""
    examples = handmade(["a<b", "絨", "", "毯\n", "は"], [1.0, 2.0, 4.0, 3.0, 1.5], 2)
    assert repr(examples).splitlines() == [
        "f: its 1 strongest firing, maximum 4",
        "  1        4  ja  a<b[絨毯\\n]は",
    ]
    span = r'title="(.*?)" style="background: rgba\(255, 140, 0, (.*?)\)(.*?)">(.*?)<'
    spans = re.findall(span, examples._repr_html_(), re.DOTALL)
    assert spans == [
        ("1, 25% of the maximum", "0.16", "", "a&lt;b"),
        ("4, 100% of the maximum", "0.65", "; border-bottom: 2px solid", "絨"),
        ("3, 75% of the maximum", "0.49", "", "毯\n"),
        ("1.5, 38% of the maximum", "0.24", "", "は"),
    ]


def test_a_terminal_shows_the_tokens_around_the_firing() -> None:
    tokens = [f" {n}" for n in range(40)]
    text = repr(handmade(tokens, [0.0] * 20 + [1.0] + [0.0] * 19, 20))
    first, last = " ".join(map(str, range(8, 20))), " ".join(map(str, range(21, 27)))
    assert text.endswith(f"ja  … {first}[ 20] {last}…")


def test_a_dead_feature_has_no_firings(store: OpenStore, codes: pd.DataFrame) -> None:
    dead = min(set(range(256)) - set(codes.feature))
    examples = store.examples(*CELL, dead)
    assert repr(examples) == f"feature {dead} of M/40/1: no firings"
    assert "no firings" in examples._repr_html_()


def test_what_is_not_there_is_named(store: OpenStore) -> None:
    with pytest.raises(AddressError, match=r"no feature 256 in cell M/40/1; "):
        store.examples("M", 40, 1, 256)
    with pytest.raises(AddressError, match=r"no cell M/41/1; the nearest is M/40/1$"):
        store.examples("M", 41, 1, 0)
