"""Equation 7 against plain hooks and loops, and how often each block runs for it.

The tiny study's own models and autoencoder: features of M at step 40 are added at step
5, at layer 1 of 3.
"""

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn
from zarr import open_array

from bisae.grid import Cell, Checkpoint
from bisae.intervene import measure as measuring
from bisae.intervene.batches import Heldout
from bisae.intervene.equation import masked_decoders, steering_function
from bisae.intervene.steering import SteeringVector
from bisae.lm import LanguageModel, unit_states
from bisae.lm.opening import open_model
from bisae.lm.states import with_bos
from bisae.pipeline.intervene import intervene
from bisae.progress import Progress, bar, work_in_progress
from bisae.sae import Autoencoder, from_numpy
from bisae.store import Store, open_store
from bisae.study import Study
from support.interventions import ALPHAS, DRAWS, M, with_intervention
from support.rows import Row, stored
from support.store_copy import copy_store

FULL, MID = Cell("M", 40, 1), Cell("M", 5, 1)
KEY = ("control", "added", "alpha", "m", "draw", "scale_back")
# Four additions with three controls each, `none`, and the whole reconstruction.
N_ADDITIONS = 4 * 3 * DRAWS + 2
N_SETTINGS = 2 * len(ALPHAS) * N_ADDITIONS


@pytest.fixture(scope="module")
def measured(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the tiny store, with the intervention's tables."""
    folder = tmp_path_factory.mktemp("measured")
    copy_store(tiny, folder / "store")
    study = tiny.study.model_copy(update={"store": str(folder / "store")})
    store, cell = intervene(with_intervention(study, folder / "work"))
    assert cell == MID
    return store


@pytest.fixture(scope="module")
def losses(measured: Store) -> list[Row]:
    return stored(measured, "from intervention_losses")


@pytest.fixture(scope="module")
def sae(tiny: Store) -> Autoencoder:
    return from_numpy(tiny.weights(FULL), tiny.study.sae, "cpu")


@pytest.fixture(scope="module")
def mid(tiny: Store) -> LanguageModel:
    return open_model(tiny, Checkpoint("M", 5))


@pytest.fixture(scope="module")
def full(tiny: Store) -> LanguageModel:
    return open_model(tiny, Checkpoint("M", 40))


def named(rows: list[Row], **told: object) -> list[Row]:
    return [row for row in rows if row.items() >= told.items()]


# -- the equation -------------------------------------------------------------------


def test_one_feature_at_one_position(
    tiny: Store, sae: Autoencoder, mid: LanguageModel, full: LanguageModel
) -> None:
    """A hook by hand adds alpha (value W_dec[i] + b_pre) where feature i is active."""
    ((ids, mask),) = first_documents(tiny, 1)
    raw = full.hidden_states(ids, mask, [1])[1][0, 1:]  # no BOS
    code = sae.encode(unit_states(raw))
    location, feature = 7, int(code.index[7, 0])
    value = float(code.value[7, 0])
    (of,) = masked_decoders([SteeringVector("en", "m", 1, 0, (feature,))], sae, 0)
    added = steering_function(sae, of, 0.4, sae.b_pre, scale_back=False)(raw)
    expected_value = 0.4 * (value * sae.W_dec[feature] + sae.b_pre)
    torch.testing.assert_close(added[location], expected_value)

    def by_hand(_: nn.Module, _args: Any, output: Any) -> Any:
        changed = output.clone()
        changed[0, 1 + location] += expected_value
        return changed

    hook = mid._blocks[0].register_forward_hook(by_hand)
    expected = mid.token_losses(ids, mask)
    hook.remove()
    with mid.caching(1) as remaining:
        mid.token_losses(ids, mask)
    state = remaining.state.clone()
    state[0, 1 + location] += added[location]
    with mid.resume_from_layer(1, remaining, state):
        torch.testing.assert_close(mid.token_losses(ids, mask), expected)


def first_documents(store: Store, size: int) -> list[tuple[Tensor, Tensor]]:
    block = next(store.documents("heldout", size))
    return [with_bos(block, store.corpus_attributes()["bos_token_id"])]


def test_it_is_scaled_back_by_the_full_models_norm(sae: Autoencoder) -> None:
    raw = torch.randn(5, 48, generator=torch.Generator().manual_seed(0)) * 7
    (of,) = masked_decoders(
        [SteeringVector("reconstruction", "m", 256, 0, tuple(range(256)))], sae, 0
    )
    plain = steering_function(sae, of, 1.0, sae.b_pre, scale_back=False)(raw)
    scaled = steering_function(sae, of, 1.0, sae.b_pre, scale_back=True)(raw)
    torch.testing.assert_close(plain, sae.decode(sae.encode(unit_states(raw))))
    torch.testing.assert_close(scaled, raw.norm(dim=1, keepdim=True) * plain)
    bare = steering_function(sae, of, 1.0, None, scale_back=False)(raw)
    torch.testing.assert_close(bare, plain - sae.b_pre)


def test_random_directions_have_the_same_strength(sae: Autoencoder) -> None:
    raw = torch.randn(50, 48, generator=torch.Generator().manual_seed(1))
    some = tuple(range(0, 256, 2))
    expected_value = [
        SteeringVector("random_directions", "m", 128, 0, some),
        SteeringVector("random_directions", "m", 4, 0, some[:4]),
        SteeringVector("random_directions", "m", 128, 1, some),
    ]
    whole, fewer, second = masked_decoders(expected_value, sae, 0)
    assert whole.position is not None
    torch.testing.assert_close(whole.rows.norm(dim=1), torch.ones(128))
    code = sae.encode(unit_states(raw))
    expected = torch.zeros(50, 48)
    for token, (index, value) in enumerate(zip(code.index, code.value, strict=True)):
        for i, v in zip(index.tolist(), value.tolist(), strict=True):
            if i in some:
                expected[token] += v * whole.rows[some.index(i)]
    torch.testing.assert_close(whole.decode(code), expected)
    assert fewer.rows is whole.rows
    assert not torch.allclose(second.rows, whole.rows)
    again = masked_decoders(expected_value, sae, 1)[0]
    assert not torch.allclose(again.rows, whole.rows)


# -- losses -------------------------------------------------------------------------


def test_losses_are_those_of_a_plain_loop(
    tiny: Store,
    losses: list[Row],
    sae: Autoencoder,
    mid: LanguageModel,
    full: LanguageModel,
) -> None:
    """Whole passes with a hook, document by document, for the class `en`."""
    chosen = in_class(tiny, "en")
    rows = [
        row
        for row in named(losses, control="m", added="en", alpha=0.3)
        if row["document"] < 6
    ]
    assert len(rows) == 6 * DRAWS * 2
    drawn = {row["draw"]: row["n_added"] for row in rows}
    assert set(drawn.values()) == {M}
    for row in rows:
        loss = plain_loss(tiny, row, sae, mid, full, draw_of(chosen, row["draw"]))
        assert row["nll"] == pytest.approx(loss, rel=1e-5)


def test_short_documents_run_in_buckets_with_the_losses_of_a_plain_loop(
    copied_study: Study,
    tmp_path: Path,
    sae: Autoencoder,
    mid: LanguageModel,
    full: LanguageModel,
    runs: Counter[tuple[int, int]],
) -> None:
    shorten(open_store(copied_study.store))
    store, _ = intervene(
        with_intervention(copied_study, tmp_path, draws=1, documents=18)
    )
    assert runs[40, 1] > 2  # the text is two batches
    rows = stored(store, "from intervention_losses")
    features = draw_of(in_class(store, "en"), 0)
    chosen = named(rows, control="m", added="en", alpha=0.3)
    assert len(chosen) == 2 * 36
    assert len({row["n_tokens"] for row in chosen}) > 10
    for row in chosen:
        loss = plain_loss(store, row, sae, mid, full, features)
        assert row["nll"] == pytest.approx(loss, rel=1e-5)


def shorten(store: Store) -> None:
    """Cut a store's held-out documents to 3, 4, 5 ... tokens, over and over."""
    token_id, length = (
        open_array(store.zarr / "corpus" / "heldout" / name, mode="r+")
        for name in ("token_id", "length")
    )
    remaining = np.arange(length.shape[0]) % 27 + 3
    cut = np.arange(token_id.shape[1]) >= remaining[:, None]
    token_id[:] = np.where(cut, -1, token_id[:])
    length[:] = remaining


def in_class(store: Store, name: str) -> list[int]:
    where = f"(size, step, layer) = {(*FULL,)} and language = '{name}'"
    actual = stored(store, f"select feature from features where {where}")
    return sorted(row["feature"] for row in actual)


def draw_of(features: list[int], draw: int) -> list[int]:
    order = list(features)
    Random(f"0/en/{draw}").shuffle(order)
    return order[:M]


def plain_loss(
    store: Store,
    row: Row,
    sae: Autoencoder,
    mid: LanguageModel,
    full: LanguageModel,
    features: list[int],
) -> float:
    block = store.split("heldout").block(row["document"], 1)
    ids, mask = with_bos(block, store.corpus_attributes()["bos_token_id"])
    raw = full.hidden_states(ids, mask, [1])[1][0]
    z = torch.zeros(len(raw), 256)
    code = sae.encode(unit_states(raw))
    z.scatter_(1, code.index, code.value)
    remaining = torch.zeros(256)
    remaining[features] = 1
    added = 0.3 * ((z * remaining) @ sae.W_dec + sae.b_pre)
    if row["scale_back"]:
        added *= raw.norm(dim=1, keepdim=True)
    added[0] = 0  # BOS is not touched
    added[int(mask.sum()) :] = 0
    with mid.edited(1, lambda h: h + added):
        return float(mid.token_losses(ids, mask).double().sum())


def test_nothing_added_is_the_baseline_to_the_last_bit(losses: list[Row]) -> None:
    baseline = {row["document"]: row["nll"] for row in named(losses, added="baseline")}
    zero = named(losses, alpha=0.0)
    assert len(zero) == len(baseline) * (1 + 2 * N_ADDITIONS)
    for row in zero:
        assert row["nll"] == baseline[row["document"]]
    assert any(
        row["nll"] != baseline[row["document"]] for row in named(losses, alpha=0.3)
    )


def test_a_mask_of_nothing_without_b_pre_is_the_baseline(
    copied_study: Study, tmp_path: Path
) -> None:
    result = {"b_pre": False, "documents": 9, "draws": 1, "alpha": 0.3}
    store, _ = intervene(with_intervention(copied_study, tmp_path, **result))
    actual = stored(store, "from intervention_losses")
    baseline = {row["document"]: row["nll"] for row in named(actual, added="baseline")}
    assert Counter(row["language"] for row in named(actual, added="baseline")) == {
        "en": 9,
        "ja": 9,
    }
    for row in named(actual, added="none"):
        assert row["nll"] == baseline[row["document"]]
        assert row["added_norm"] == 0


def mean_norm(rows: list[Row]) -> float:
    n = sum(row["n_tokens"] for row in rows)
    return float(sum(row["n_tokens"] * row["added_norm"] for row in rows) / n)


def test_norms_are_equal_where_features_alone_are_added(
    copied_study: Study, tmp_path: Path
) -> None:
    result = {"b_pre": False, "draws": 1, "alpha": 0.3}
    store, _ = intervene(with_intervention(copied_study, tmp_path, **result))
    actual = stored(store, "from intervention_losses")
    for scale_back in (False, True):
        rows = named(actual, control="norm", scale_back=scale_back)
        names = {row["added"] for row in rows}
        assert names == {"en", "ja", "random_features", "random_directions"}
        norms = [mean_norm(named(rows, added=name)) for name in names]
        assert max(norms) == pytest.approx(min(norms), rel=1e-5)


def test_progress_counts_the_tokens_of_every_setting(
    copied_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those that an earlier run has measured."""
    seen = []

    @contextmanager
    def recorded(total: int, title: str, unit: str) -> Iterator[Progress]:
        with bar(total, title, unit) as progress:
            yield progress
            work = work_in_progress()
            assert work
            seen.append((work.title, work.done, total))

    monkeypatch.setattr(measuring, "bar", recorded)
    for alpha, n_settings in ((0.1, 29), ([0.1, 0.2], 57)):
        result = {"documents": 2, "draws": 1, "alpha": alpha}
        intervene(with_intervention(copied_study, tmp_path, **result))
        title, done, total = seen.pop()
        assert title == "measure steered losses"
        assert done == total == 4 * 31 * n_settings


@pytest.mark.parametrize("layer", [0, 3])
def test_any_layer_will_do(copied_study: Study, tmp_path: Path, layer: int) -> None:
    """The first block's input, and the last block's output."""
    result = {"layer": layer, "documents": 2, "draws": 1, "m": "all", "alpha": 0.3}
    store, cell = intervene(with_intervention(copied_study, tmp_path, **result))
    assert cell == MID._replace(layer=layer)
    actual = stored(store, "from intervention_losses")
    (baseline, *_), (added, *_) = (
        named(actual, added="baseline"),
        named(actual, added="ja"),
    )
    assert baseline["document"] == added["document"]
    assert baseline["nll"] != added["nll"]


# -- cost ---------------------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """How often each block computed, by step and number."""
    counted: Counter[tuple[int, int]] = Counter()

    def counting(store: Store, checkpoint: Checkpoint) -> LanguageModel:
        lm = open_model(store, checkpoint)
        for number, block in enumerate(lm._blocks, start=1):
            inside = next(iter(block.children()))
            inside.register_forward_hook(
                lambda *_, place=(checkpoint.step, number): counted.update([place])
            )
        return lm

    monkeypatch.setattr("bisae.intervene.run.open_model", counting)
    return counted


TRIAL_PASSES = 3
"""Whole, kept, and from the layer: whether lower blocks may be skipped is tried."""


def test_lower_blocks_run_once_a_batch(
    copied_study: Study, tmp_path: Path, runs: Counter[tuple[int, int]]
) -> None:
    intervene(with_intervention(copied_study, tmp_path))
    heldout = open_store(copied_study.store).split("heldout")
    batches = -(-len(heldout) // 24)
    assert batches > 1
    upper = batches * (1 + N_SETTINGS) + TRIAL_PASSES
    assert runs == {
        (40, 1): batches,  # the full model, to the layer
        (5, 1): batches + TRIAL_PASSES - 1,
        (5, 2): upper,
        (5, 3): upper,
    }


def test_one_model_is_in_memory_at_a_time(
    copied_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[weakref.ref[LanguageModel]] = []

    def opening(store: Store, checkpoint: Checkpoint) -> LanguageModel:
        assert not any(item() for item in opened), "the model before is still held"
        lm = open_model(store, checkpoint)
        opened.append(weakref.ref(lm))
        return lm

    monkeypatch.setattr("bisae.intervene.run.open_model", opening)
    intervene(with_intervention(copied_study, tmp_path, documents=2, draws=1))
    assert len(opened) == 2


def test_what_is_measured_is_not_measured_again(
    copied_study: Study, tmp_path: Path, runs: Counter[tuple[int, int]]
) -> None:
    store, _ = intervene(with_intervention(copied_study, tmp_path))
    before = stored(store, "from intervention_losses order by all")
    batches = runs[40, 1]
    runs.clear()
    intervene(with_intervention(copied_study, tmp_path))
    assert not runs  # nothing is even loaded
    store, _ = intervene(
        with_intervention(copied_study, tmp_path, alpha=(*ALPHAS, 0.5))
    )
    assert runs[5, 3] == batches * (1 + 2 * N_ADDITIONS) + TRIAL_PASSES
    after = stored(store, "from intervention_losses order by all")
    assert [row for row in after if row["alpha"] != 0.5] == before
    runs.clear()
    store, _ = intervene(with_intervention(copied_study, tmp_path))
    assert not runs
    again = stored(store, "from intervention_losses order by all")
    assert again == before


def test_a_run_goes_on_where_it_was_killed(
    copied_study: Study,
    tmp_path: Path,
    runs: Counter[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = pq.write_table
    done: list[Any] = []

    def dying(*args: Any, **named: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(args)
        real(*args, **named)

    monkeypatch.setattr(pq, "write_table", dying)
    with pytest.raises(KeyboardInterrupt):
        intervene(with_intervention(copied_study, tmp_path))
    monkeypatch.setattr(pq, "write_table", real)
    runs.clear()
    store, _ = intervene(with_intervention(copied_study, tmp_path))
    assert runs[5, 2] == (runs[40, 1] - 2) * (1 + N_SETTINGS) + TRIAL_PASSES
    actual = stored(store, "select distinct document from intervention_losses")
    assert len(actual) == len(store.split("heldout"))


# -- the text -----------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 1, 9])
def test_held_out_documents_are_counted_by_language(
    tiny: Store, limit: int | None
) -> None:
    text = Heldout(tiny, 16, limit)
    seen = Counter(name for batch in text for name in batch.language)
    whole = len(tiny.split("heldout"))
    assert seen == dict.fromkeys(("en", "ja"), limit or whole // 2)
    numbers = [number for batch in text for number in batch.document]
    assert numbers == sorted(set(numbers))
    assert text.n_tokens == sum(int(batch.edited.sum()) for batch in text)
    assert not any(batch.edited[:, 0].any() for batch in text)
