"""Generation with a cache, padding and additions, against plain loops without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from bisae.lm import LanguageModel, Lockstep, generate, load_lm
from bisae.lm.cache_checks import can_cache
from support.model_families import (
    CACHELESS,
    FAMILIES,
    HYBRID,
    LAYERS,
    SHARED_KEYS,
    save,
)

NEW = 7
NEVER: list[int] = []
PROMPTS = [[0, 5, 9, 31, 7, 8, 60, 4, 22], [0, 17], [0, 3, 90, 41, 12]]


class Pair(NamedTuple):
    """A model that writes, and one that reads beside it."""

    mid: LanguageModel
    full: LanguageModel


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Pair:
    places = [tmp_path_factory.mktemp(f"{request.param}{seed}") for seed in (1, 2)]
    folders = [
        save(request.param, location, seed) for seed, location in enumerate(places)
    ]
    return Pair(*(load_lm(str(folder)) for folder in folders))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_lm(str(save("llama", tmp_path_factory.mktemp("llama"))))


def add(states: Tensor) -> Tensor:
    """Something that hangs on the states, and is large enough to be seen."""
    return states.float().flip(-1).tanh() * 3


def hook(lm: LanguageModel, layer: int, change: Callable[[Tensor], Tensor]) -> Any:
    """Put a hook by hand on a layer; gives its handle."""
    if layer == 0:
        return lm._blocks[0].register_forward_pre_hook(
            lambda _, args: (change(args[0]), *args[1:])
        )

    def after(_: Any, _args: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            return change(output)
        return (change(output[0]), *output[1:])

    return lm._blocks[layer - 1].register_forward_hook(after)


@torch.no_grad()
def written_plainly(pair: Pair, layer: int, prompt: list[int]) -> list[int]:
    """Run both models over everything, anew for each token; no cache, no padding."""
    ids, seen = list(prompt), []

    def see(state: Tensor) -> Tensor:
        seen.append(state.clone())
        return state

    def edit(state: Tensor) -> Tensor:  # all but the first position
        return torch.cat([state[:, :1], state[:, 1:] + add(seen[-1][:, 1:])], dim=1)

    hooks = [hook(pair.full, layer, see), hook(pair.mid, layer, edit)]
    for _ in range(NEW):
        token_id = torch.tensor([ids])
        pair.full._model(token_id, use_cache=False)
        logits = pair.mid._model(token_id, use_cache=False).logits
        ids.append(int(logits[0, -1].argmax()))
    for item in hooks:
        item.remove()
    return ids[len(prompt) :]


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_with_a_cache_the_same_is_written_as_without(pair: Pair, layer: int) -> None:
    beside = Lockstep(pair.full, layer, add)
    written = generate(pair.mid, PROMPTS, NEW, NEVER, beside)
    assert written == [written_plainly(pair, layer, prompt) for prompt in PROMPTS]
    assert written != generate(pair.mid, PROMPTS, NEW, NEVER)


@torch.no_grad()
def of_transformers(lm: LanguageModel, prompt: list[int], ends: list[int]) -> list[int]:
    token_id = torch.tensor([prompt])
    written = lm._model.generate(
        token_id,
        attention_mask=torch.ones_like(token_id),
        do_sample=False,
        max_new_tokens=NEW,
        eos_token_id=ends or None,
        pad_token_id=0,
    )
    return [int(item) for item in written[0, len(prompt) :]]


def test_with_nothing_added_it_is_the_generation_of_transformers(pair: Pair) -> None:
    written = generate(pair.mid, PROMPTS, NEW, NEVER)
    assert written == [of_transformers(pair.mid, prompt, []) for prompt in PROMPTS]
    nothing = Lockstep(pair.full, 1, torch.zeros_like)
    assert generate(pair.mid, PROMPTS, NEW, NEVER, nothing) == written


def test_each_text_ends_at_its_own_end(llama: LanguageModel) -> None:
    whole = generate(llama, PROMPTS, NEW, NEVER)
    ends = [whole[0][4], whole[1][2], whole[2][5]]
    written = generate(llama, PROMPTS, NEW, ends)
    assert written == [of_transformers(llama, prompt, ends) for prompt in PROMPTS]
    assert [len(item) for item in written] == [
        min(item.index(end) for end in ends if end in item) + 1 for item in whole
    ]
    assert len({len(item) for item in written}) > 1


@pytest.fixture(scope="module", params=CACHELESS)
def recurrent(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Pair:
    """Models whose cache is of another kind, or that have none."""
    config, places = CACHELESS[request.param], []
    for seed in (1, 2):
        folder = tmp_path_factory.mktemp(f"{request.param}{seed}")
        places.append(save(request.param, folder, seed, config))
    return Pair(*(load_lm(str(location)) for location in places))


@pytest.mark.parametrize("layer", [0, 2])
def test_without_a_cache_all_is_read_anew(recurrent: Pair, layer: int) -> None:
    beside = Lockstep(recurrent.full, layer, add)
    assert not can_cache(recurrent.mid, beside, 9, NEW)
    written = generate(recurrent.mid, PROMPTS, NEW, NEVER, beside)
    assert written == [written_plainly(recurrent, layer, prompt) for prompt in PROMPTS]
    alone = generate(recurrent.mid, PROMPTS, NEW, NEVER)
    assert written != alone
    assert len({tuple(item) for item in alone}) > 1


def saved_pair(name: str, config: Any, folder: Path) -> Pair:
    places = [save(name, folder / str(seed), seed, config) for seed in (1, 2)]
    return Pair(*(load_lm(str(location)) for location in places))


@pytest.mark.parametrize("name", HYBRID)
def test_caches_of_several_kinds_are_used_where_they_are_exact(
    name: str, tmp_path: Path
) -> None:
    pair = saved_pair(name, HYBRID[name], tmp_path)
    for layer in (1, 3):
        beside = Lockstep(pair.full, layer, add)
        assert can_cache(pair.mid, beside, 9, NEW)
        written = generate(pair.mid, PROMPTS, NEW, NEVER, beside)
        assert written == [written_plainly(pair, layer, prompt) for prompt in PROMPTS]


def test_a_cache_is_tried_at_the_layer_that_is_edited(tmp_path: Path) -> None:
    """Exact alone, it is not where states of an upper block are read and added to."""
    pair = saved_pair("gemma4", SHARED_KEYS, tmp_path)
    assert can_cache(pair.mid, None, 9, NEW)
    for layer, is_exact in ((1, True), (3, False)):
        beside = Lockstep(pair.full, layer, add)
        assert can_cache(pair.mid, beside, 9, NEW) == is_exact
        written = generate(pair.mid, PROMPTS, NEW, NEVER, beside)
        assert written == [written_plainly(pair, layer, prompt) for prompt in PROMPTS]


def test_a_cache_is_tried_again_for_longer_texts(llama: LanguageModel) -> None:
    """And no more for shorter ones."""
    llama.cache_trials.clear()
    counts: list[int] = []

    def count(state: Tensor) -> Tensor:
        counts.append(state.shape[1])
        return state

    counting, n_passes = hook(llama, 1, count), []
    for n_prompt, n_new in ((9, 4), (8, 3), (10, 4), (10, 5), (10, 5)):
        assert can_cache(llama, None, n_prompt, n_new)
        n_passes.append(len(counts))
        counts.clear()
    counting.remove()
    # One pass for each token from the cache; two texts read anew three times.
    assert n_passes == [4 + 6, 0, 4 + 6, 5 + 6, 0]


def test_a_cache_that_forgets_is_found_out(tmp_path: Path) -> None:
    """It takes every argument, and gives what it would give without the past."""
    lm = load_lm(str(save("llama", tmp_path)))
    assert can_cache(lm, None, 9, NEW)
    forgetful = load_lm(str(tmp_path))
    plain = forgetful._model.forward

    def forget(token_id: Tensor, **named: Any) -> Any:
        named.pop("past_key_values", None)
        named.pop("position_ids", None)
        named["attention_mask"] = named["attention_mask"][:, -token_id.shape[1] :]
        return plain(token_id, **named)

    forgetful._model.forward = forget
    assert not can_cache(forgetful, None, 9, NEW)
    assert generate(forgetful, PROMPTS, NEW, NEVER) == generate(lm, PROMPTS, NEW, NEVER)


def test_each_token_is_read_once(llama: LanguageModel) -> None:
    counts: list[int] = []

    def count(state: Tensor) -> Tensor:
        counts.append(state.shape[1])
        return state

    assert can_cache(llama, None, 9, NEW)  # it is tried before
    counting = hook(llama, 1, count)
    generate(llama, PROMPTS, NEW, NEVER)
    counting.remove()
    assert counts == [9, *[1] * (NEW - 1)]


def test_the_full_model_runs_up_to_the_layer_alone(pair: Pair) -> None:
    beside = Lockstep(pair.full, 1, add)
    assert can_cache(pair.mid, beside, 9, 2)
    above = hook(pair.full, 2, lambda _: pytest.fail("a block above the layer ran"))
    generate(pair.mid, PROMPTS, 2, NEVER, beside)
    above.remove()


def test_afterwards_models_are_as_before(pair: Pair) -> None:
    token_id, mask = torch.tensor([[0, 5, 9]]), torch.ones(1, 3, dtype=torch.bool)
    before = [lm.token_losses(token_id, mask) for lm in pair]
    with pytest.raises(ZeroDivisionError):
        generate(
            pair.mid,
            PROMPTS,
            2,
            NEVER,
            Lockstep(pair.full, 1, lambda states: states / (1 // 0)),
        )
    after = [lm.token_losses(token_id, mask) for lm in pair]
    assert all(map(torch.equal, before, after))


def test_what_is_added_hangs_on_every_token_but_bos(
    llama: LanguageModel, tmp_path: Path
) -> None:
    full = load_lm(str(save("llama", tmp_path, 1)), dtype="bfloat16")
    seen: list[Tensor] = []

    def note(states: Tensor) -> Tensor:
        seen.append(states)
        return add(states)

    generate(llama, PROMPTS, 3, NEVER, Lockstep(full, 2, note))
    assert [len(states) for states in seen] == [8 + 1 + 4, 3, 3]
    assert {states.dtype for states in seen} == {torch.bfloat16}  # raw, as they are
