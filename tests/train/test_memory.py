"""What training is said to take, against counts made by hand, and how layers divide."""

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bisae import memory
from bisae.errors import CheckpointError, OutOfMemory
from bisae.lm import ModelShape
from bisae.memory import (
    Need,
    available,
    divide_into_passes,
    host_bytes,
    kv_cache_bytes,
    libraries,
    measuring_bytes,
    need,
    translating_bytes,
)
from bisae.pipeline.plan import plan, plan_intervention
from bisae.study import Study, load_study
from support import ROOT
from support.studies import make_study

PAPER = ROOT / "examples" / "llm-jp-3.toml"


def asked(**sections: Any) -> Study:
    return make_study(**{"lm": {"device": "cpu"}} | sections)


@pytest.mark.parametrize(
    ("layers", "d", "gigabytes"), [(28, 3072, 67.6), (24, 2048, 38.7)]
)
def test_weights_and_adam_of_the_papers_models(
    layers: int, d: int, gigabytes: float
) -> None:
    """Three float32 for each number of two n x d matrices."""
    actual = need(asked(), ModelShape(layers, d, 100_000), 0)
    assert layers * actual.sae / 1e9 == pytest.approx(gigabytes, abs=0.1)


@pytest.mark.parametrize(("dtype", "wide"), [("bfloat16", 2), ("float32", 4)])
def test_a_layer_takes_its_share_of_the_buffer(dtype: str, wide: int) -> None:
    study = asked(lm={"device": "cpu", "dtype": dtype})
    actual = need(study, ModelShape(2, 512, 1000), 0)
    assert actual.layer == (8 * 32_768 + 128 * 64) * 512 * wide


def test_a_buffer_on_the_host_is_not_on_the_device() -> None:
    shape = ModelShape(2, 512, 1000)
    lm = {"device": "cuda", "dtype": "bfloat16"}
    position, there = (
        need(asked(lm=lm | {"buffer": location}), shape, 0)
        for location in ("device", "host")
    )
    slots = 8 * 32_768 * 512 * 2
    assert position.layer - there.layer == slots
    result = [
        host_bytes(asked(lm=lm | {"buffer": location}), shape, 3, 0)
        for location in ("device", "host")
    ]
    assert result[1] - result[0] == pytest.approx(3 * slots, rel=0.01)


def test_a_model_takes_its_parameters() -> None:
    shape = ModelShape(2, 512, 1000)
    more, less = (need(asked(), shape, n).once for n in (10**9, 0))
    assert more - less == 4 * 10**9


@pytest.mark.parametrize(
    ("gigabytes", "passes"), [(80, [1, 1, 1, 1, 2]), (141, [1] * 5)]
)
def test_the_papers_models_on_gpus_that_there_are(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float, passes: list[int]
) -> None:
    monkeypatch.setenv("BISAE_HOME", "/nowhere")
    monkeypatch.setenv("LLM_JP", "/nowhere")
    study = load_study(PAPER)
    lm = study.lm.model_copy(update={"memory_gb": gigabytes})
    actual = plan(study.model_copy(update={"lm": lm}))
    assert [item.passes for item in actual] == passes
    assert all(item.device_gb < gigabytes for item in actual)


def test_the_intervention_holds_one_model_and_translation_both() -> None:
    shape, n_params = ModelShape(2, 512, 1000), 10**9
    asked_for = {"size": "1M", "layer": 1, "mid_step": 3, "batch_documents": 5}
    study = asked(lm={"device": "cpu", "dtype": "bfloat16"}, intervention=asked_for)
    sae = 4 * (2 * 32_768 * 512 + 512)
    batch = 5 * 64 * (1000 * 2 + 512 * 8)
    assert measuring_bytes(study, shape, n_params) == 2 * n_params + sae + batch
    assert translating_bytes(study, shape, n_params) == 2 * 2 * n_params + sae
    # Of two models and two layers: a key and a value, 512 numbers of two bytes each.
    assert kv_cache_bytes(study, shape) == 2 * 2 * 2 * 512 * 2


def test_the_plan_of_the_papers_intervention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISAE_HOME", "/nowhere")
    monkeypatch.setenv("LLM_JP", "/nowhere")
    study = load_study(PAPER)
    lm = study.lm.model_copy(update={"memory_gb": 80})
    actual = plan_intervention(study.model_copy(update={"lm": lm}))
    assert actual
    assert actual.size == "3.7B"
    # Weights of 4.2e9 numbers in bfloat16, and an autoencoder of 0.8 GB.
    assert 8 < actual.measuring_gb < 12
    assert actual.translating_gb is None
    assert plan_intervention(asked()) is None


def test_a_plan_shows_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISAE_HOME", "/nowhere")
    monkeypatch.setenv("LLM_JP", "/nowhere")
    study = load_study(PAPER)
    lm = study.lm.model_copy(update={"memory_gb": 6})
    actual = plan(study.model_copy(update={"lm": lm}))
    assert [item.passes > 0 for item in actual] == [True, True, False, False, False]


def test_a_gpu_that_is_not_there_cannot_be_asked_for_its_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CheckpointError, match=r"^device 'cuda' was requested, but"):
        available(asked(lm={"device": "cuda"}))


def test_on_a_cpu_most_of_what_is_free_may_be_used() -> None:
    free = dict(
        line.split(":") for line in Path("/proc/meminfo").read_text().splitlines()
    )["MemAvailable"]
    actual = available(asked())
    assert actual <= 0.91 * int(free.split()[0]) * 1024
    assert actual > 1e8
    assert available(asked(lm={"memory_gb": 3})) == 3 * 10**9


def test_the_libraries_are_what_this_process_takes() -> None:
    before = libraries()
    content = torch.ones(50_000_000)
    assert libraries() - before == pytest.approx(content.nbytes, rel=0.1)


sizes = st.integers(1, 10**6)


@given(
    st.integers(1, 40), sizes, sizes, sizes, st.integers(1, 10**8), st.integers(0, 1)
)
def test_groups_fit_and_are_as_few_and_as_even_as_can_be(
    items: int, once: int, layer: int, sae: int, room: int, layers: int
) -> None:
    needed = Need(once, layer, sae)
    expected = list(range(items))

    def fits(n: int) -> bool:
        return needed.of(n if layers else 1, n) <= room

    if not fits(1):
        with pytest.raises(OutOfMemory, match=r"lower \[sae\] batch_tokens"):
            divide_into_passes(expected, needed, room, layers=bool(layers))
        return
    actual = divide_into_passes(expected, needed, room, layers=bool(layers))
    assert list(chain(*actual)) == expected
    widths = [len(item) for item in actual]
    assert max(widths) - min(widths) <= 1
    assert fits(max(widths))
    fewer = len(actual) - 1
    assert fewer == 0 or not fits(-(-items // fewer))


def test_other_errors_are_left_alone() -> None:
    with (
        pytest.raises(RuntimeError, match="inconsistent tensor size"),
        memory.explain_out_of_memory(3),
    ):
        torch.ones(2) @ torch.ones(3)
