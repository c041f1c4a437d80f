"""Time of a query in its own process, compared with the same query in this one.

Reads a store: `python benchmarks/process.py STORE`. Prints the fastest of some runs.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from time import perf_counter

import bisae
from bisae.api import OpenStore
from bisae.query import InProcess, Runner, questions

RUNS = 5
SMALL = "select count(*) from cells"
LONG = "select range as a, hash(range) as b, 'text' as c from range(1000000)"


def seconds(work: Callable[[], object]) -> float:
    """Time some work once."""
    start = perf_counter()
    work()
    return perf_counter() - start


def ask(runner: Runner, query: str) -> int:
    """Read all rows of a query, and count them."""
    return sum(1 for _ in runner.answer(questions(query)[0], {}).values)


def measure(name: str, make: Callable[[], Runner]) -> None:
    """Print how long a first, a second and a long query take."""
    rows = []
    for _ in range(RUNS):
        start = perf_counter()
        with closing(make()) as runner:
            ask(runner, SMALL)
            first = perf_counter() - start
            rows.append(
                (
                    first,
                    seconds(lambda: ask(runner, SMALL)),
                    seconds(lambda: ask(runner, LONG)),
                )
            )
    best = " ".join(f"{min(column):8.3f}" for column in zip(*rows, strict=True))
    print(f"{name:12} {best}")


def main(store: OpenStore) -> None:
    """Print a table."""
    print(f"{'':12} {'first':>8} {'second':>8} {'1M rows':>8}")
    measure("in process", lambda: InProcess(store.connect(query=SMALL)))
    measure("a process", lambda: store.query_process(query=SMALL, timeout=600))


if __name__ == "__main__":
    main(bisae.open(sys.argv[1]))
