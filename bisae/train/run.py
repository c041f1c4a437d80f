"""Train any number of autoencoders in one pass over the text, resumable after a stop.

Reads blocks of hidden states and trains jobs in place. Saves a state to resume from.
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
from bisae.memory import explain_out_of_memory
from bisae.progress import bar, note
from bisae.sae.kernels import Scratch
from bisae.study import Study
from bisae.train.buffer import Buffer
from bisae.train.convergence import Convergence
from bisae.train.job import TrainingJob
from bisae.train.resume import RunPosition, TrainingState


def train_jobs(
    study: Study,
    source: Blocks,
    jobs: Sequence[TrainingJob],
    training_state: TrainingState,
    device: torch.device,
    title: str,
    *,
    convergence: Convergence | None = None,
    drop_failed: bool = False,
) -> None:
    """Train `jobs` in one pass over `source`, resuming a pass that was stopped.

    With `convergence`, the jobs are measured at its milestones. A job that fails ends
    the run or, with `drop_failed`, is trained no further. Raises TrainingError, naming
    cell and step; Interrupted on a signal; OutOfMemory, naming the setting to lower;
    LeaseLost.
    """
    scratch, total = Scratch(), study.corpus.tokens["train"]
    began, done = time.perf_counter(), 0
    with explain_out_of_memory(len(jobs)):
        if saved := training_state.load(jobs, study.sae, scratch, device):
            began, done = began - saved.seconds, saved.tokens
            note(f"{title}: resuming from token {done:,} of {total:,}")
        with (
            closing(_buffer(study, source, device, saved)) as buffer,
            bar(total, title, "tokens", done) as shown,
            _stop_on_signal() as stop,
        ):
            while batches := buffer.next_batches():
                training_state.lease.check_after_sleep()
                for slots in batches:
                    _learn(study, buffer, slots, jobs, device, scratch)
                    if not drop_failed:
                        _refuse_failed(jobs)
                    buffer.refill(slots)
                    done += len(slots)
                    shown.update(len(slots))
                    if convergence and convergence.due(done):
                        _check(jobs, drop_failed=drop_failed)
                        buffer.wait_until_filled()
                        convergence.measure(done, scratch)
                if stop.signal or training_state.is_due(jobs):
                    _check(jobs, drop_failed=drop_failed)
                    seconds = time.perf_counter() - began
                    training_state.save(
                        jobs, RunPosition(done, seconds, buffer.state())
                    )
                if stop.signal:
                    msg = f"{title}: stopped at token {done:,} of {total:,}; "
                    msg += "run it again to resume from there"
                    raise Interrupted(msg, stop.signal)
    _check(jobs, drop_failed=drop_failed)
    job_seconds = sum(job.seconds for job in jobs)
    shared = (time.perf_counter() - began - job_seconds) / len(jobs)
    for job in jobs:  # the model's time is divided equally
        job.seconds += shared


def _buffer(
    study: Study, source: Blocks, device: torch.device, saved: RunPosition | None
) -> Buffer:
    settings = study.sae
    return Buffer(
        source,
        settings.buffer_batches * settings.batch_tokens,
        settings.batch_tokens,
        settings.seed,
        device=torch.device("cpu") if study.lm.buffer == "host" else None,
        # On a CPU a second thread would only slow down the training.
        ahead=device if device.type == "cuda" else None,
        state=saved.buffer if saved else None,
    )


def _learn(
    study: Study,
    buffer: Buffer,
    slots: torch.Tensor,
    jobs: Sequence[TrainingJob],
    device: torch.device,
    scratch: Scratch,
) -> None:
    for layer, members in groupby(jobs, lambda job: job.cell.layer):
        x = directions(buffer.rows(layer, slots).to(device))
        for job in members:
            if not job.failed:
                with at(job.cell):
                    job.learn(x, study.sae, scratch)


def _check(jobs: Sequence[TrainingJob], *, drop_failed: bool) -> None:
    for job in jobs:
        job.check()
    if not drop_failed:
        _refuse_failed(jobs)


def _refuse_failed(jobs: Sequence[TrainingJob]) -> None:
    for job in jobs:
        if job.failed:
            raise TrainingError(job.failed)


@dataclass
class StopRequest:
    """The signal that requested a stop, 0 if none did."""

    signal: int = 0


@contextmanager
def _stop_on_signal() -> Iterator[StopRequest]:
    """Let the first Ctrl-C or SIGTERM request a stop; a second one acts as usual.

    A signal that is ignored, as under `nohup` or in a background job, stays ignored.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # signals can be caught only there
        return
    before = handlers()

    def ask(number: int, _frame: FrameType | None) -> None:
        for caught, handler in before.items():
            signal.signal(caught, handler)
        request.signal = number
        note("stopping at the next safe point; a second signal stops at once")

    for number in before:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
