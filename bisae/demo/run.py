"""The toy study: its files, and all its models and cells built in parallel.

Reads examples/toy.toml; writes it, `text/`, `checkpoints/` and `store/` into the user's
folder.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NamedTuple

from bisae.assets import asset_dir
from bisae.demo.toy import write_texts
from bisae.errors import StoreError
from bisae.grid import Selection
from bisae.interrupts import status_of
from bisae.progress import duration, note, use_plain_lines
from bisae.study import Model, Study, load_study

DOCUMENTS = 12_000
PARALLEL = 4_000
SEED = 0
MOST_WORKERS = 4
"""The most processes, of about one gigabyte each."""
POLL_EVERY = 0.5
"""Seconds between two looks for new checkpoints."""
PRELOADED = [
    "bisae.pipeline.build",
    "bisae.pretrain",
    "transformers.models.llama.modeling_llama",
]
"""Modules that take seconds to import, imported once for all workers."""


def write_study(folder: Path) -> Path:
    """Write the toy study into a folder, unless it exists; return the study file."""
    path = folder / "toy.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "text" / "lexicon.csv").exists():
            write_texts(
                folder / "text", documents=DOCUMENTS, parallel=PARALLEL, seed=SEED
            )
        if not path.exists():
            shutil.copyfile(asset_dir("examples") / "toy.toml", path)
    except OSError as error:
        msg = f"cannot write the toy study to {folder}: {error.strerror}"
        raise StoreError(msg) from error
    return path


class Task(NamedTuple):
    """One task of a worker."""

    title: str
    work: Callable[..., None]
    arguments: tuple[Any, ...]
    needs: tuple[Path, ...] = ()
    """Checkpoints that must exist."""


def build_side_by_side(path: Path, study: Study, show: Callable[[str], None]) -> None:
    """Pretrain every size and build every checkpoint, one worker for each core.

    The matrices of the toy are so small that two checkpoints on one thread each take
    less time than one after the other on two. Calls `show` with the first size when the
    steps that show its trend are built, which come before all others.
    """
    cores = _cores()
    waiting, running = _tasks(study), dict[Future[None], Task]()
    first = study.models[0]
    trend_titles = {_title(first, step) for step in _trend_steps(first)}
    start = time.monotonic()
    with ProcessPoolExecutor(cores, _context(), _prepare_worker) as pool:
        tokenizer = pool.submit(_train_tokenizer, path)
        _import_checks_and_report()
        tokenizer.result()
        try:
            while waiting or running:
                while len(running) < cores and (task := _take_ready(waiting)):
                    running[pool.submit(task.work, path, *task.arguments)] = task
                # Checkpoints also appear while a size is still pretrained.
                for future in wait(running, POLL_EVERY, FIRST_COMPLETED).done:
                    task = running.pop(future)
                    future.result()
                    note(
                        f"{task.title}: done after {duration(time.monotonic() - start)}"
                    )
                    if task.title in trend_titles:
                        trend_titles.remove(task.title)
                        if not trend_titles:
                            show(first.size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()  # a training worker saves its state first
            raise


def _take_ready(waiting: list[Task]) -> Task | None:
    """Remove and return the first task whose checkpoints exist."""
    from bisae.pretrain import is_finished

    for number, task in enumerate(waiting):
        if all(map(is_finished, task.needs)):
            return waiting.pop(number)
    return None


def _tasks(study: Study) -> list[Task]:
    """List all tasks, those of the first trend first."""
    first, *others = study.models
    embeddings = _checkpoint(study.model(study.embeddings()[0]), study.embeddings()[1])
    tasks = [
        Task(f"pretrain {first.size}", _pretrain, (first.size,)),
        Task("corpus", _build_corpus, ()),
    ]
    tasks += _builds(first, _trend_steps(first), embeddings)
    # They follow the first size, whose trend would otherwise come later.
    last = _checkpoint(first, first.steps[-1])
    tasks += [
        Task(f"pretrain {model.size}", _pretrain, (model.size,), (last,))
        for model in others
    ]
    rest = [step for step in first.steps if step not in _trend_steps(first)]
    tasks += _builds(first, rest, embeddings)
    for model in others:
        tasks += _builds(model, model.steps, embeddings)
    return tasks


def _builds(model: Model, steps: Iterable[int], embeddings: Path) -> list[Task]:
    return [
        Task(
            _title(model, step),
            _build,
            (model.size, step),
            (_checkpoint(model, step), embeddings),
        )
        for step in steps
    ]


def _title(model: Model, step: int) -> str:
    return f"build {model.size}/{step}"


def _trend_steps(model: Model) -> list[int]:
    """Return the steps that show a trend: the last, the first and one between."""
    steps = model.steps
    return list(dict.fromkeys([steps[-1], steps[0], steps[len(steps) // 2]]))


def _checkpoint(model: Model, step: int) -> Path:
    return Path(model.checkpoint_at(step)[0])


def _cores() -> int:
    """Return the number of cores that this process may use, up to MOST_WORKERS."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


def start_workers() -> None:
    """Begin to import the workers' modules while this process does other work."""
    context = _context()
    context.set_forkserver_preload(PRELOADED)
    if context.get_start_method() == "forkserver":
        forkserver.ensure_running()


def _context() -> Any:
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    return multiprocessing.get_context(method)


def _prepare_worker() -> None:
    import torch

    torch.set_num_threads(1)
    use_plain_lines()
    # Ctrl-C reaches all processes of a terminal: the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(status_of(signal.SIGTERM)))


def _import_checks_and_report() -> None:
    """Import the modules of checks and report while only one worker has work."""
    import bisae.checks
    import bisae.pipeline.build
    import bisae.report  # noqa: F401


def _train_tokenizer(path: Path) -> None:
    from bisae.pretrain import train_tokenizer

    train_tokenizer(load_study(path))


def _build_corpus(path: Path) -> None:
    from bisae.lm.configurations import with_layers
    from bisae.pipeline.prepare import prepare

    prepare(with_layers(load_study(path)))


def _pretrain(path: Path, size: str) -> None:
    from bisae.pretrain import pretrain

    pretrain(load_study(path), [size])


def _build(path: Path, size: str, step: int) -> None:
    from bisae.pipeline.build import build

    build(load_study(path), Selection(frozenset({size}), frozenset({step})))
