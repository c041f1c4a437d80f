"""The toy study: its files, and all its models and cells built side by side.

Reads examples/toy.toml; writes it, `text/`, `checkpoints/` and `store/` where the user
wants them.
"""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from bisae.assets import asset_dir
from bisae.errors import StoreError
from bisae.progress import duration, note
from bisae.study import Model, Study
from bisae.toy import write_texts

DOCUMENTS = 12_000
PARALLEL = 4_000
SEED = 0
MOST_WORKERS = 4
"""Processes at most, of about one gigabyte each."""
PRELOADED = [
    "bisae.build",
    "bisae.pretrain",
    "transformers.models.llama.modeling_llama",
]
"""What takes seconds to import: once for all workers."""


def write_study(folder: Path) -> Path:
    """Write the toy study into a folder, or find it there; gives the study file."""
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
    """What a worker does: pretrain a size, or build one of its checkpoints."""

    title: str
    size: str
    step: int | None = None


def build_side_by_side(path: Path, study: Study, show: Callable[[str], None]) -> None:
    """Pretrain every size and build every checkpoint, one worker for each core.

    The matrices of the toy are so small that two checkpoints on one thread each take
    less time than one after the other on two. Calls `show` with the first size of which
    the first, middle and last steps are built: they come before the others.
    """
    start, shown, built = time.monotonic(), False, set[tuple[str, int | None]]()
    sizes = [shape.size for shape in study.pretrain.models] if study.pretrain else []
    with _workers() as pool:
        pool.submit(_train_tokenizer, path).result()
        pending: dict[Future[None], Task] = {
            pool.submit(_pretrain, path, size): Task(f"pretrain {size}", size)
            for size in sizes
        }
        try:
            while pending:
                finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    task = pending.pop(future)
                    note(
                        f"{task.title}: done after {duration(time.monotonic() - start)}"
                    )
                    built.add(task[1:])
                    model = study.model(task.size)
                    if task.step is None:
                        for step in _order(model):
                            title = f"build {task.size}/{step}"
                            work = pool.submit(_build, path, task.size, step)
                            pending[work] = Task(title, task.size, step)
                    elif not shown and built >= {
                        (task.size, s) for s in _telling(model)
                    }:
                        shown = True
                        show(task.size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _telling(model: Model) -> list[int]:
    """The steps that show a trend: the last, the first and one between."""
    steps = model.steps
    return list(dict.fromkeys([steps[-1], steps[0], steps[len(steps) // 2]]))


def _order(model: Model) -> Iterator[int]:
    yield from dict.fromkeys([*_telling(model), *model.steps])


def _workers() -> ProcessPoolExecutor:
    """Start as many workers as there are cores for this process."""
    able = getattr(os, "sched_getaffinity", None)
    cores = len(able(0)) if able else os.cpu_count() or 1
    workers = min(cores, MOST_WORKERS)
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context(
        "forkserver" if "forkserver" in methods else "spawn"
    )
    context.set_forkserver_preload(PRELOADED)
    threads = max(1, cores // workers)
    return ProcessPoolExecutor(workers, context, _begin, (threads,))


def _begin(threads: int) -> None:
    """Prepare a worker: its share of the cores, and lines that mix with others'."""
    import torch

    from bisae.progress import use_plain_lines

    torch.set_num_threads(threads)
    use_plain_lines()


def _train_tokenizer(path: Path) -> None:
    from bisae.pretrain import train_tokenizer
    from bisae.study import load_study

    train_tokenizer(load_study(path))


def _pretrain(path: Path, size: str) -> None:
    from bisae.pretrain import pretrain
    from bisae.study import load_study

    pretrain(load_study(path), [size])


def _build(path: Path, size: str, step: int) -> None:
    from bisae.build import build_checkpoint

    build_checkpoint(path, size, step)
