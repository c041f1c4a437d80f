"""Of two builds only one holds a lease; it is free when given back, dead or old."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bisae.errors import LeaseHeld, LeaseLost, StoreError
from bisae.files import AnyPath, any_path, names, read, replace
from bisae.progress import note
from bisae.store import lease as leases
from bisae.store.holder import STALE_AFTER, Holder
from bisae.store.lease import Lease, current_holder, wait_for_lease

NAME = "0.5M/900"
HOLD = """
import sys, time
from bisae.files import any_path
from bisae.store.lease import Lease
Lease(any_path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["folder", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "folder":
        return any_path(tmp_path / "leases")
    return any_path(request.getfixturevalue("bucket")) / "leases"


@pytest.fixture
def other(folder: AnyPath) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lease."""
    command = [sys.executable, "-c", HOLD, str(folder), NAME]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def told(folder: AnyPath) -> Holder:
    """What the newest file of the lease says."""
    number = max(int(name.split(".")[-2]) for name in names(folder / "0.5M"))
    file = folder / "0.5M" / f"900.{number}.json"
    return Holder(**json.loads(read(file)))  # a heartbeat may write it meanwhile


def rewrite(folder: AnyPath, **changes: object) -> None:
    """Change what the only file of the lease says."""
    (name,) = names(folder / "0.5M")
    changed = told(folder)._asdict() | changes
    replace(folder / "0.5M" / name, json.dumps(changed))


def test_a_lease_tells_who_holds_it(folder: AnyPath) -> None:
    assert current_holder(folder, NAME) is None
    lease = Lease(folder, NAME)
    by = current_holder(folder, NAME)
    assert by
    assert by.pid == os.getpid()
    assert str(by).endswith(f"process {os.getpid()} on {by.host}")
    assert time.time() - 60 < by.heartbeat <= time.time()
    lease.give_back()
    assert current_holder(folder, NAME) is None


def test_what_is_held_is_refused(
    folder: AnyPath, other: "subprocess.Popen[str]"
) -> None:
    said = rf"^{NAME} is being built by .*, process {other.pid} on "
    with pytest.raises(LeaseHeld, match=said):
        Lease(folder, NAME)
    Lease(folder, "0.5M/90").give_back()  # another checkpoint is free


def test_a_process_that_was_killed_holds_nothing(
    folder: AnyPath, other: "subprocess.Popen[str]"
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    lease = Lease(folder, NAME)
    assert told(folder).pid == os.getpid()
    assert len(names(folder / "0.5M")) == 1
    lease.give_back()


def test_of_another_host_only_the_heartbeat_tells(
    folder: AnyPath, other: "subprocess.Popen[str]"
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    rewrite(folder, machine="far away", host="far")
    with pytest.raises(LeaseHeld, match=r" on far$"):
        Lease(folder, NAME)
    rewrite(folder, heartbeat=time.time() - STALE_AFTER - 1)
    assert current_holder(folder, NAME) is None
    Lease(folder, NAME).give_back()


def test_who_lost_a_lease_is_told(
    folder: AnyPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that slept too long must not write over who came after it."""
    monkeypatch.setattr(leases, "BEAT", 3600.0)
    slept = Lease(folder, NAME)
    slept.check()
    rewrite(folder, heartbeat=time.time() - STALE_AFTER - 1)
    after = Lease(folder, NAME)
    with pytest.raises(StoreError, match=f"^{NAME} was taken over by .* was silent"):
        slept.check()
    slept.give_back()
    after.check()
    assert current_holder(folder, NAME) is not None
    after.give_back()


def test_a_heartbeat_is_kept(folder: AnyPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.05)
    lease = Lease(folder, NAME)
    first = told(folder).heartbeat
    deadline = time.monotonic() + 30
    while told(folder).heartbeat == first:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lease.give_back()


@pytest.mark.parametrize("turn", range(5))
def test_of_many_at_once_one_gets_it(folder: AnyPath, turn: int) -> None:
    """Also where all of them find an old lease that they must take over."""
    if turn % 2:
        Lease(folder, NAME).give_back()
    start, got = threading.Barrier(8), []

    def take() -> None:
        start.wait()
        with suppress(LeaseHeld):
            got.append(Lease(folder, NAME))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    got[0].give_back()


def test_waiting_ends_when_it_is_given_back(
    folder: AnyPath, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leases, "POLL", 0.05)
    monkeypatch.setattr(leases, "SHOWN_AFTER", 0.0)
    first = Lease(folder, NAME)

    def give_back(line: str) -> None:
        note(line)
        first.give_back()

    monkeypatch.setattr(leases, "note", give_back)
    with wait_for_lease(folder, NAME) as second:
        second.check()
    line = capsys.readouterr().err
    assert line.startswith(f"{NAME} is being built by ")
    assert line.count("waiting") == 1


def test_nothing_is_said_of_a_short_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds that start together need what they share for less than two seconds."""
    folder, clock, notes = any_path(tmp_path), [0.0], list[float]()
    first = Lease(folder, NAME)

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] == 5:
            first.give_back()

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(leases, "note", lambda _: notes.append(clock[0]))
    with wait_for_lease(folder, NAME):
        assert notes == [2.0]


def test_a_lease_that_is_just_being_written_is_held(tmp_path: Path) -> None:
    (tmp_path / "0.5M").mkdir()
    file = tmp_path / "0.5M" / "900.1.json"
    file.write_text('{"owner": "so')
    folder = any_path(tmp_path)
    with pytest.raises(LeaseHeld, match="somebody, process 0 on another host"):
        Lease(folder, NAME)
    old = time.time() - STALE_AFTER - 1
    os.utime(file, (old, old))
    Lease(folder, NAME).give_back()


def test_what_a_kill_left_of_a_heartbeat_goes(tmp_path: Path) -> None:
    folder = any_path(tmp_path)
    Lease(folder, NAME).give_back()
    (tmp_path / "0.5M" / ".900.1.json.partial").write_text("{")
    Lease(folder, NAME).give_back()
    assert names(folder / "0.5M") == ["900.2.json"]


def test_a_task_takes_over_its_own_lease_from_another_host_at_once(
    folder: AnyPath,
) -> None:
    """Any other task waits until the heartbeat is old."""
    dead = Lease(folder, NAME, "run 1")
    dead._done.set()
    rewrite(folder, machine="far away", host="far")
    with pytest.raises(LeaseHeld, match=r" on far$"):
        Lease(folder, NAME, "run 2")
    with pytest.raises(LeaseHeld, match=r" on far$"):
        Lease(folder, NAME)
    after = Lease(folder, NAME, "run 1")
    assert after.died is None  # its engine counts the deaths
    with pytest.raises(LeaseLost, match="was taken over by"):
        dead.check()
    after.give_back()


@pytest.mark.parametrize("advanced", [False, True])
def test_a_holder_that_died_before_it_advanced_is_known(
    folder: AnyPath, other: "subprocess.Popen[str]", *, advanced: bool
) -> None:
    rewrite(folder, advanced=advanced)
    other.send_signal(signal.SIGKILL)
    other.wait()
    lease = Lease(folder, NAME)
    assert (lease.died is None) == advanced
    assert advanced or (lease.died and lease.died.pid == other.pid)
    lease.give_back()
    again = Lease(folder, NAME)
    assert again.died is None
    again.give_back()
