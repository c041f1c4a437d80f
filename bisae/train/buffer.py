"""Mix the hidden states of many documents into batches.

Reads blocks of states; returns batches of the same tokens for all layers. Every token
is returned once; the order depends on the seed alone.
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
"""A token is identified by its block's number and, in the low bits, its position."""


class Buffer:
    """Slots for hidden states, half of which are drawn as batches and then refilled.

    The slots of finished batches are refilled while others are trained on: immediately
    or, if `ahead` names the model's device, by a separate thread, which uses a separate
    stream on a GPU. The position of each token does not depend on that.
    """

    def __init__(
        self,
        source: Blocks,
        capacity: int,
        batch: int,
        seed: int,
        *,
        device: torch.device | None = None,
        ahead: torch.device | None = None,
        state: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Hold `capacity` tokens, at least two batches, on `device`.

        Without `device` they stay on the source's device. With the `state` of another
        buffer this one continues exactly as that one would have.
        """
        self._source = source
        self._batch = batch
        self._device = device
        self._draw = torch.Generator().manual_seed(seed)
        self._token = torch.full((capacity,), EMPTY)
        self._layers: dict[int, Tensor] = {}
        self._next = 0  # the number of the next block to read
        self._block: States | None = None  # the last block read, until it is used up
        self._used = 0  # tokens of it that are in slots
        self._filling: list[Future[object]] = []
        self._worker = ThreadPoolExecutor(1) if ahead else None
        self._stream = (
            torch.cuda.Stream(ahead)  # type: ignore[no-untyped-call]
            if ahead and ahead.type == "cuda"
            else None
        )
        if state is None:
            self.refill(torch.arange(capacity))
        else:
            self._restore(state)

    def next_batches(self) -> list[Tensor]:
        """Draw the slots of the next batches; none when every token was returned.

        All batches but the very last are full. The slots keep their content until they
        are refilled.
        """
        self.wait_until_filled()
        full = (self._token != EMPTY).nonzero()[:, 0]
        order = full[torch.randperm(len(full), generator=self._draw)]
        if not self._is_exhausted():
            order = order[: len(full) // 2 // self._batch * self._batch]
        return list(torch.split(order, self._batch)) if len(order) else []

    def rows(self, layer: int, slots: Tensor) -> Tensor:
        """Copy the states of `slots` at a layer, (tokens, d)."""
        states = self._layers[layer]
        return states[slots.to(states.device)]

    def refill(self, slots: Tensor) -> None:
        """Fill slots whose states are no longer needed with the next tokens."""
        if self._worker is None:
            self._fill(slots, None)
            return
        freed = None  # the event after which the GPU no longer reads these slots
        if self._stream:
            freed = torch.cuda.current_stream(self._stream.device).record_event()
        self._filling.append(self._worker.submit(self._fill, slots, freed))

    def state(self) -> dict[str, Tensor]:
        """Return what another buffer needs to continue: the tokens held, but no states.

        Call it between the last `refill` and the next `next_batches`.
        """
        self.wait_until_filled()
        read = torch.tensor([self._next, self._used])
        # Copies, as the buffer continues while they are written.
        return {
            "token": self._token.clone(),
            "draw": self._draw.get_state(),
            "read": read,
        }

    def close(self) -> None:
        """Stop filling."""
        if self._worker:
            self._worker.shutdown(cancel_futures=True)

    def _is_exhausted(self) -> bool:
        is_used_up = self._block is None or self._used == _tokens(self._block)
        return self._next == len(self._source) and is_used_up

    def wait_until_filled(self) -> None:
        """Wait until all slots are refilled, and nothing is read from the source."""
        for filling in self._filling:
            filling.result()
        self._filling.clear()
        if self._stream:
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)

    def _fill(self, slots: Tensor, freed: torch.cuda.Event | None) -> None:
        with self._filling_stream(freed):
            while len(slots):
                if self._block is None or self._used == _tokens(self._block):
                    self._block = None  # free it before the next one is computed
                    if self._next == len(self._source):
                        break
                    self._block, self._used = self._source[self._next], 0
                    self._next += 1
                take = min(len(slots), _tokens(self._block) - self._used)
                positions = torch.arange(self._used, self._used + take)
                self._copy_to_slots(self._block, slots[:take], positions)
                self._token[slots[:take]] = (self._next - 1 << OFFSET_BITS) + positions
                self._used += take
                slots = slots[take:]
            self._token[slots] = EMPTY

    @contextmanager
    def _filling_stream(self, freed: torch.cuda.Event | None) -> Iterator[None]:
        """Work on a separate stream once the slots' last readers are done."""
        if self._stream is None or freed is None:
            yield
            return
        self._stream.wait_event(freed)
        with torch.cuda.stream(self._stream):
            yield

    def _copy_to_slots(self, states: States, slots: Tensor, positions: Tensor) -> None:
        """Copy tokens of a block into slots, at every layer."""
        for layer, rows in states.layers.items():
            if layer not in self._layers:
                self._layers[layer] = self._slots_like(rows)
            buffered = self._layers[layer]
            copied = rows[positions.to(rows.device)].to(buffered.device)
            buffered.index_copy_(0, slots.to(buffered.device), copied)

    def _slots_like(self, rows: Tensor) -> Tensor:
        device = self._device or rows.device
        pinned = (
            rows.is_cuda and device.type == "cpu"
        )  # so that copies from it are asynchronous
        shape = (len(self._token), rows.shape[1])
        return torch.empty(shape, dtype=rows.dtype, device=device, pin_memory=pinned)

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        """Recompute hidden states in whole blocks, so that they are identical."""
        self._token = state["token"].clone()
        self._draw.set_state(state["draw"])
        self._next, self._used = (int(number) for number in state["read"])
        block = self._token >> OFFSET_BITS
        numbers = torch.unique(block[self._token != EMPTY]).tolist()
        for number in track(numbers, len(numbers), "read again", "blocks"):
            slots = (block == number).nonzero()[:, 0]
            positions = self._token[slots] & (1 << OFFSET_BITS) - 1
            self._copy_to_slots(self._source[number], slots, positions)
        if self._next:
            self._block = self._source[self._next - 1]


def _tokens(states: States) -> int:
    return int(states.real.sum())
