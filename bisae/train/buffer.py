"""Mix the hidden states of many documents into batches.

Reads blocks of states; gives batches of the same tokens for all layers. Every token
comes once; the order depends on the seed alone.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from bisae.lm.states import Blocks, States
from bisae.progress import track

EMPTY = -1
OFFSET_BITS = 32
"""A slot's token is its block's number, and in the low bits its place in the block."""


class Buffer:
    """Slots for hidden states: half of them is dealt, then filled again.

    While batches are trained on, the slots of those that are done are filled behind
    them: at once, or, where `ahead` names the model's device, by a thread of its own,
    on a GPU in a stream of its own. Which token stands where does not depend on that.
    """

    def __init__(
        self,
        source: Blocks,
        capacity: int,
        batch: int,
        seed: int,
        *,
        home: torch.device | None = None,
        ahead: torch.device | None = None,
        state: Mapping[str, Tensor] | None = None,
    ) -> None:
        """`capacity` tokens, two batches or more, on the device `home`.

        Without `home` they stay where the source gives them. With the `state` of
        another buffer this one goes on as that one would have.
        """
        self._source = source
        self._batch = batch
        self._home = home
        self._draw = torch.Generator().manual_seed(seed)
        self._token = torch.full((capacity,), EMPTY)
        self._layers: dict[int, Tensor] = {}
        self._next = 0  # the block that is read next
        self._held: States | None = None  # the last one read, until it is placed
        self._used = 0  # tokens of it that are placed
        self._filling: list[Future[object]] = []
        self._worker = ThreadPoolExecutor(1) if ahead else None
        self._stream = (
            torch.cuda.Stream(ahead)  # type: ignore[no-untyped-call]
            if ahead and ahead.type == "cuda"
            else None
        )
        if state is None:
            self.release(torch.arange(capacity))
        else:
            self._restore(state)

    def deal(self) -> list[Tensor]:
        """The slots of the next batches; none when every token was dealt.

        All batches but the very last are full. The slots stay as they are until they
        are released.
        """
        self._settle()
        full = (self._token != EMPTY).nonzero()[:, 0]
        order = full[torch.randperm(len(full), generator=self._draw)]
        if not self._ended():
            order = order[: len(full) // 2 // self._batch * self._batch]
        return list(torch.split(order, self._batch)) if len(order) else []

    def rows(self, layer: int, slots: Tensor) -> Tensor:
        """Copy the states of `slots` at a layer, (tokens, d)."""
        held = self._layers[layer]
        return held[slots.to(held.device)]

    def release(self, slots: Tensor) -> None:
        """Fill slots, whose states are not needed any more, with the next tokens."""
        if self._worker is None:
            self._fill(slots, None)
            return
        freed = None  # until what was asked of the GPU with these slots is done
        if self._stream:
            freed = torch.cuda.current_stream(self._stream.device).record_event()
        self._filling.append(self._worker.submit(self._fill, slots, freed))

    def state(self) -> dict[str, Tensor]:
        """What a buffer needs to go on like this one: which tokens it holds, no states.

        To be taken between the last release and the next deal.
        """
        self._settle()
        read = torch.tensor([self._next, self._used])
        # Copies: the buffer goes on while they are written.
        return {
            "token": self._token.clone(),
            "draw": self._draw.get_state(),
            "read": read,
        }

    def close(self) -> None:
        """Stop filling."""
        if self._worker:
            self._worker.shutdown(cancel_futures=True)

    def _ended(self) -> bool:
        placed = self._held is None or self._used == _tokens(self._held)
        return self._next == len(self._source) and placed

    def _settle(self) -> None:
        """Wait until what was released is filled."""
        for filling in self._filling:
            filling.result()
        self._filling.clear()
        if self._stream:
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)

    def _fill(self, slots: Tensor, freed: torch.cuda.Event | None) -> None:
        with self._beside(freed):
            while len(slots):
                if self._held is None or self._used == _tokens(self._held):
                    self._held = None  # let go of it before the next one is made
                    if self._next == len(self._source):
                        break
                    self._held, self._used = self._source[self._next], 0
                    self._next += 1
                take = min(len(slots), _tokens(self._held) - self._used)
                places = torch.arange(self._used, self._used + take)
                self._put(self._held, slots[:take], places)
                self._token[slots[:take]] = (self._next - 1 << OFFSET_BITS) + places
                self._used += take
                slots = slots[take:]
            self._token[slots] = EMPTY

    @contextmanager
    def _beside(self, freed: torch.cuda.Event | None) -> Iterator[None]:
        """Work on a stream of our own, once the slots' last readers are done."""
        if self._stream is None or freed is None:
            yield
            return
        self._stream.wait_event(freed)
        with torch.cuda.stream(self._stream):
            yield

    def _put(self, states: States, slots: Tensor, places: Tensor) -> None:
        """Copy tokens of a block into slots, at every layer."""
        for layer, rows in states.layers.items():
            if layer not in self._layers:
                self._layers[layer] = self._slots_like(rows)
            held = self._layers[layer]
            some = rows[places.to(rows.device)].to(held.device)
            held.index_copy_(0, slots.to(held.device), some)

    def _slots_like(self, rows: Tensor) -> Tensor:
        home = self._home or rows.device
        pinned = rows.is_cuda and home.type == "cpu"  # copies from it need not wait
        shape = (len(self._token), rows.shape[1])
        return torch.empty(shape, dtype=rows.dtype, device=home, pin_memory=pinned)

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        """Hidden states are computed again, by whole blocks, so that none differs."""
        self._token = state["token"].clone()
        self._draw.set_state(state["draw"])
        self._next, self._used = (int(one) for one in state["read"])
        block = self._token >> OFFSET_BITS
        numbers = torch.unique(block[self._token != EMPTY]).tolist()
        for number in track(numbers, len(numbers), "read again", "blocks"):
            slots = (block == number).nonzero()[:, 0]
            places = self._token[slots] & (1 << OFFSET_BITS) - 1
            self._put(self._source[number], slots, places)
        if self._next:
            self._held = self._source[self._next - 1]


def _tokens(states: States) -> int:
    return int(states.real.sum())
