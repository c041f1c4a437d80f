"""Train any number of autoencoders from one pass over the text, and survive a stop.

Reads blocks of hidden states; leaves trained jobs. Keeps a state to resume from.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from types import FrameType

import torch

from bisae.errors import Interrupted, TrainingError
from bisae.grid import at
from bisae.interrupts import handlers
from bisae.lm import directions
from bisae.lm.states import Blocks
from bisae.memory import advising
from bisae.progress import bar, note
from bisae.sae.kernels import Scratch
from bisae.study import Study
from bisae.train.buffer import Buffer
from bisae.train.job import Job
from bisae.train.resume import Keeper, Saved


def train_jobs(
    study: Study,
    source: Blocks,
    jobs: Sequence[Job],
    keeper: Keeper,
    device: torch.device,
    title: str,
    *,
    drop_failed: bool = False,
) -> None:
    """Train `jobs` from one pass over `source`, or go on with a pass that was stopped.

    A job that fails stops the run, or with `drop_failed` is left where it is. Raises
    TrainingError, naming cell and step; Interrupted when the user asked to stop;
    OutOfMemory, naming what to lower; LeaseLost.
    """
    scratch, total = Scratch(), study.corpus.tokens["train"]
    began, done = time.perf_counter(), 0
    with advising(len(jobs)):
        if saved := keeper.load(jobs, study.sae, scratch, device):
            began, done = began - saved.seconds, saved.tokens
            note(f"{title}: goes on from token {done:,} of {total:,}")
        with (
            closing(_buffer(study, source, device, saved)) as buffer,
            bar(total, title, "tokens", done) as shown,
            _asked_to_stop() as stop,
        ):
            while dealt := buffer.deal():
                keeper.lease.check_after_sleep()
                for slots in dealt:
                    _learn(study, buffer, slots, jobs, device, scratch)
                    if not drop_failed:
                        _refuse_failed(jobs)
                    buffer.release(slots)
                    done += len(slots)
                    shown.update(len(slots))
                if stop.signal or keeper.is_due(jobs):
                    _check(jobs, drop_failed=drop_failed)
                    seconds = time.perf_counter() - began
                    keeper.save(jobs, Saved(done, seconds, buffer.state()))
                if stop.signal:
                    msg = f"{title}: stopped at token {done:,} of {total:,}; "
                    msg += "run it again and it goes on from there"
                    raise Interrupted(msg, stop.signal)
    _check(jobs, drop_failed=drop_failed)
    own = sum(job.seconds for job in jobs)
    shared = (time.perf_counter() - began - own) / len(jobs)
    for job in jobs:  # the model's time is theirs in equal parts
        job.seconds += shared


def _buffer(
    study: Study, source: Blocks, device: torch.device, saved: Saved | None
) -> Buffer:
    settings = study.sae
    return Buffer(
        source,
        settings.buffer_batches * settings.batch_tokens,
        settings.batch_tokens,
        settings.seed,
        home=torch.device("cpu") if study.lm.buffer == "host" else None,
        # On a CPU it would take from the training what it gives.
        ahead=device if device.type == "cuda" else None,
        state=saved.buffer if saved else None,
    )


def _learn(
    study: Study,
    buffer: Buffer,
    slots: torch.Tensor,
    jobs: Sequence[Job],
    device: torch.device,
    scratch: Scratch,
) -> None:
    for layer, members in groupby(jobs, lambda job: job.cell.layer):
        x = directions(buffer.rows(layer, slots).to(device))
        for job in members:
            if not job.failed:
                with at(job.cell):
                    job.learn(x, study.sae, scratch)


def _check(jobs: Sequence[Job], *, drop_failed: bool) -> None:
    for job in jobs:
        job.check()
    if not drop_failed:
        _refuse_failed(jobs)


def _refuse_failed(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.failed:
            raise TrainingError(job.failed)


@dataclass
class StopRequest:
    """The signal that asked to stop, 0 while none did."""

    signal: int = 0


@contextmanager
def _asked_to_stop() -> Iterator[StopRequest]:
    """Ctrl-C or SIGTERM asks once; the second one is what it always was.

    A signal that is ignored, as under `nohup` or in a script's background, stays so.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only there can signals be caught
        return
    before = handlers()

    def ask(number: int, _frame: FrameType | None) -> None:
        for one, handler in before.items():
            signal.signal(one, handler)
        request.signal = number
        note("stopping at the next safe point; once more stops at once")

    for one in before:
        signal.signal(one, ask)
    try:
        yield request
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
