"""Progress on standard error, with rate and time left; silent under two seconds."""

import sys
from collections.abc import Iterable, Iterator
from typing import Never, TypeVar

from tqdm import tqdm

T = TypeVar("T")
SHOWN_AFTER = 2.0


def bar(total: int, title: str, unit: str, done: int = 0) -> "tqdm[Never]":
    """A progress bar to be closed by `with`; hidden where nobody looks."""
    return tqdm(
        total=total,
        initial=done,
        desc=title,
        unit=f" {unit}",
        unit_scale=True,
        delay=SHOWN_AFTER,
        disable=None,
        leave=False,
        dynamic_ncols=True,
    )


def track(items: Iterable[T], total: int, title: str, unit: str) -> Iterator[T]:
    """Pass items on, counting them."""
    with bar(total, title, unit) as shown:
        for item in items:
            yield item
            shown.update()


def note(message: str) -> None:
    """Tell the user something on standard error, above a bar that may be there."""
    tqdm.write(message, file=sys.stderr)
