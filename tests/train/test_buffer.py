"""Mixing hidden states into batches: each token once, in an order of its own."""

import threading
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bisae.lm.states import States
from bisae.train import Buffer

AHEAD = [None, torch.device("cpu")]


class Numbered:
    """Blocks of so many tokens: layer 1 holds each one's number, layer 2 ten times."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.asked: list[int] = []
        self.threads: set[int] = set()

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, number: int) -> States:
        self.asked.append(number)
        self.threads.add(threading.get_ident())
        first, size = sum(self.sizes[:number]), self.sizes[number]
        token = torch.arange(first, first + size).float()[:, None]
        real = torch.zeros(size, 3, dtype=torch.bool)  # two positions in three are none
        real[:, 0] = True
        ids = torch.arange(first, first + size)
        return States(real, ids, {1: token, 2: 10 * token})


def drawn(buffer: Buffer) -> list[dict[int, Tensor]]:
    """Every batch to the end."""
    actual = []
    while dealt := buffer.next_batches():
        for slots in dealt:
            actual.append({layer: buffer.rows(layer, slots) for layer in (1, 2)})
            buffer.refill(slots)
    return actual


def batches(
    sizes: list[int], batch: int, capacity: int, seed: int = 0, **more: Any
) -> list[dict[int, Tensor]]:
    return drawn(Buffer(Numbered(sizes), capacity, batch, seed, **more))


def order(sizes: list[int], batch: int, capacity: int, seed: int = 0) -> list[int]:
    actual = batches(sizes, batch, capacity, seed)
    return [int(token) for item in actual for token in item[1].flatten()]


blocks = st.lists(st.integers(1, 30), min_size=1, max_size=20)
widths = st.integers(1, 12)


@given(blocks, widths, st.integers(2, 6), st.integers(0, 2**40), st.integers(0, 1))
def test_every_token_comes_once_in_the_same_place_of_every_layer(
    sizes: list[int], batch: int, times: int, seed: int, thread: int
) -> None:
    actual = batches(sizes, batch, times * batch, seed, ahead=AHEAD[thread])
    tokens = torch.cat([item[1] for item in actual]).flatten()
    assert sorted(tokens.tolist()) == list(range(sum(sizes)))
    assert torch.equal(torch.cat([item[2] for item in actual]).flatten(), 10 * tokens)


@given(blocks, widths, st.integers(2, 6))
def test_all_batches_but_the_last_are_full(
    sizes: list[int], batch: int, times: int
) -> None:
    actual = [len(batche[1]) for batche in batches(sizes, batch, times * batch)]
    assert actual[:-1] == [batch] * (len(actual) - 1)
    assert 0 < actual[-1] <= batch


@given(blocks, st.integers(0, 2**40), st.integers())
def test_the_order_depends_on_the_seed_alone(
    sizes: list[int], seed: int, elsewhere: int
) -> None:
    result = order(sizes, 4, 8, seed)
    torch.manual_seed(elsewhere % 2**32)
    assert order(sizes, 4, 8, seed) == result


def test_another_seed_gives_another_order() -> None:
    assert order([50] * 4, 8, 32, 0) != order([50] * 4, 8, 32, 1)


def test_a_batch_mixes_documents() -> None:
    actual = batches([16] * 64, 16, 256)  # 64 documents of a batch each, 16 held
    documents = [len({int(token) // 16 for token in item[1]}) for item in actual]
    assert min(documents) >= 6
    assert order([16] * 64, 16, 256)[:256] != list(range(256))


def test_half_is_dealt_and_filled_again() -> None:
    source = Numbered([8] * 8)
    buffer = Buffer(source, 32, 8, 0)
    assert len(source.asked) == 4
    first = buffer.next_batches()
    assert [len(slots) for slots in first] == [8, 8]
    buffer.refill(first[0])
    assert len(source.asked) == 5
    buffer.refill(first[1])
    assert len(source.asked) == 6
    assert len(buffer.next_batches()) == 2


def test_of_no_text_there_is_no_batch() -> None:
    assert batches([], 4, 8) == []


def test_a_thread_fills_behind_and_nothing_differs() -> None:
    sizes = [13] * 20
    source = Numbered(sizes)
    buffer = Buffer(source, 32, 8, 0, ahead=AHEAD[1])
    actual = drawn(buffer)
    buffer.close()
    assert threading.get_ident() not in source.threads
    for item, second in zip(actual, batches(sizes, 8, 32), strict=True):
        assert torch.equal(item[1], second[1])


@pytest.mark.parametrize("ahead", AHEAD)
def test_an_error_below_comes_up(ahead: torch.device | None) -> None:
    class Broken(Numbered):
        def __getitem__(self, number: int) -> States:
            if number == 3:
                raise ZeroDivisionError
            return super().__getitem__(number)

    with pytest.raises(ZeroDivisionError):
        drawn(Buffer(Broken([8] * 8), 16, 8, 0, ahead=ahead))


@given(blocks, widths, st.integers(2, 6), st.integers(0, 9))
def test_a_restored_buffer_goes_on_with_the_same_tokens(
    sizes: list[int], batch: int, times: int, rounds: int
) -> None:
    buffer = Buffer(Numbered(sizes), times * batch, batch, 5)
    for _ in range(rounds):
        for slots in buffer.next_batches():
            buffer.refill(slots)
    state = buffer.state()
    again = Buffer(Numbered(sizes), times * batch, batch, 77, state=state)
    for item, second in zip(drawn(buffer), drawn(again), strict=True):
        assert torch.equal(item[1], second[1])
        assert torch.equal(item[2], second[2])


def test_a_state_does_not_change_when_the_buffer_goes_on() -> None:
    buffer = Buffer(Numbered([16] * 8), 32, 8, 0)
    state = buffer.state()
    before = {name: item.clone() for name, item in state.items()}
    drawn(buffer)
    assert all(torch.equal(item, before[name]) for name, item in state.items())
