"""Interleave several sources into one stream by weight."""

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
