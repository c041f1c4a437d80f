"""Orders of streams: several interleaved by weight, one shuffled in a buffer."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def take_turns(
    streams: Sequence[Iterator[T]], weights: Sequence[float], size: Callable[[T], int]
) -> Iterator[T]:
    """Interleave streams so that their sizes are in proportion to their weights.

    The stream furthest behind comes next; when one has ended, the others continue.
    """
    taken = dict.fromkeys(range(len(streams)), 0.0)
    while taken:
        number = min(taken, key=taken.__getitem__)
        try:
            item = next(streams[number])
        except StopIteration:
            del taken[number]
            continue
        taken[number] += size(item) / weights[number]
        yield item


def shuffled(items: Iterator[T], size: int, draw: random.Random) -> Iterator[T]:
    """Yield items in random order, using a buffer of `size` items."""
    buffer: list[T] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        slot = draw.randrange(size)
        buffer[slot], item = item, buffer[slot]
        yield item
    draw.shuffle(buffer)
    yield from buffer
