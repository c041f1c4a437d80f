"""Progress where nobody looks: plain lines, now and then, and one at the end."""

import math
import re
import subprocess
import sys
from contextlib import suppress

import pytest

from bisae.progress import Lines, duration


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(Lines, "last_line", -math.inf)
    return Clock()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> "Written":
    return Written(capsys)


class Written:
    """The lines that were written since the last look."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self) -> list[str]:
        stdout, stderr = self._capsys.readouterr()
        assert stdout == ""
        return stderr.splitlines()


def test_a_line_says_how_far_how_fast_and_how_long_it_takes(
    clock: Clock, lines: Written
) -> None:
    with Lines(1_200_000, "train 0.5M/900", "tokens", clock=clock) as shown:
        clock.now += 9.9
        shown.update(300_000)
        assert lines() == []
        clock.now += 0.1
        shown.update(50_000)
        said = "train 0.5M/900: 350,000 of 1,200,000 tokens, 35,000 a second, 24 s left"
        assert lines() == [said]
        clock.now += 30
        shown.update(850_000)  # all is done: the last line says it
        assert lines() == []
    assert lines() == ["train 0.5M/900: 1,200,000 tokens in 40 s, 30,000 a second"]


def test_work_of_two_seconds_says_nothing(clock: Clock, lines: Written) -> None:
    with Lines(2, "export S/5", "cells", clock=clock) as shown:
        clock.now += 2
        shown.update(2)
    assert lines() == []


def test_slow_work_says_how_long_each_takes(clock: Clock, lines: Written) -> None:
    with Lines(3, "copy", "cells", clock=clock) as shown:
        clock.now += 100
        shown.update()
        assert lines() == ["copy: 1 of 3 cells, one every 1 min 40 s, 3 min 20 s left"]
        clock.now += 80
        shown.update(2)
    assert lines() == ["copy: 3 cells in 3 min 0 s, one every 1 min 0 s"]


def test_what_was_done_before_is_not_counted_in_the_rate(
    clock: Clock, lines: Written
) -> None:
    with Lines(100, "translate", "texts", done=40, clock=clock) as shown:
        clock.now += 10
        shown.update(20)
        assert lines() == ["translate: 60 of 100 texts, 2 a second, 20 s left"]
        clock.now += 5
        shown.update(40)
    assert lines() == ["translate: 60 texts in 15 s, 4 a second"]


@pytest.mark.parametrize("n", [0, 1])
def test_what_has_only_begun_has_no_rate(clock: Clock, lines: Written, n: int) -> None:
    with Lines(1_000, "corpus", "tokens", clock=clock) as shown:
        clock.now += 12
        shown.update(n)
        assert lines() == [f"corpus: {n} of 1,000 tokens"]


def test_a_process_writes_one_line_in_ten_seconds(clock: Clock, lines: Written) -> None:
    with Lines(100, "outer", "cells", clock=clock) as outer:
        clock.now += 10
        outer.update(10)
        with Lines(100, "inner", "tokens", clock=clock) as inner:
            for _ in range(19):
                clock.now += 0.5
                inner.update()
            assert lines() == ["outer: 10 of 100 cells, 1 a second, 1 min 30 s left"]
            clock.now += 0.5
            inner.update()
            outer.update()
            assert lines() == ["inner: 20 of 100 tokens, 2 a second, 40 s left"]


def test_an_error_stops_it(clock: Clock, lines: Written) -> None:
    title = "encode S/5"
    with suppress(KeyboardInterrupt), Lines(100, title, "tokens", clock=clock) as shown:
        clock.now += 4
        shown.update(30)
        raise KeyboardInterrupt
    assert lines() == ["encode S/5: stopped at 30 of 100 tokens after 4 s"]


def test_a_query_that_ends_says_nothing(clock: Clock, lines: Written) -> None:
    """How far DuckDB says it is never reaches 100."""
    with Lines(100, "query", "%", clock=clock) as shown:
        clock.now += 4
        shown.update(87)
    assert lines() == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0.04, "0 s"), (2.5, "2.5 s"), (9.94, "9.9 s"), (9.96, "10 s")),
        *((59.4, "59 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min")),
        *((45_296, "12 h 34 min"), (3_600_000, "1,000 h 0 min")),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


PIPED = """
import time
from bisae import progress
progress.SHOWN_AFTER, progress.LINE_EVERY = 0.1, 0.15
for _ in progress.track(range(4), 4, "export S/5", "cells"):
    time.sleep(0.1)
for _ in progress.track(range(4), 4, "too short to tell", "cells"):
    pass
"""


def test_a_process_whose_errors_go_to_a_file_writes_lines() -> None:
    command = [sys.executable, "-c", PIPED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *some, last = done.stderr.splitlines()
    assert some
    for line in some:
        assert re.fullmatch(r"export S/5: [123] of 4 cells, .+, .+ s left", line)
    assert re.fullmatch(r"export S/5: 4 cells in \S+ s, .+", last)
    assert "\r" not in done.stderr
    assert done.stdout == ""
