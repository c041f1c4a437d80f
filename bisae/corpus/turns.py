"""Sources that share one stream: each gives its part of it, for as long as it lasts."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def take_turns(
    streams: Sequence[Iterator[T]], weights: Sequence[float], size: Callable[[T], int]
) -> Iterator[T]:
    """Interleave streams so that what each gave is in proportion to its weight.

    The stream that is furthest behind comes next; when one has ended, the others go on.
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
