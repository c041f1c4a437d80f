"""A builder that slept past its lease damages nothing that its successor finished.

Two builders with unlike values, or unlike arithmetic: the first stops at a chosen
moment, the second takes the lease and finishes, then the first goes on.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bisae import files
from bisae.errors import LeaseLost
from bisae.files import AnyPath, any_path, below, names, read, relative
from bisae.grid import Cell, parse_selection
from bisae.lm.configurations import with_layers
from bisae.pipeline.build import build
from bisae.pipeline.prepare import prepare
from bisae.store import SPLITS, Store, create_store, holder, open_store, part, staging
from bisae.store.verify import check, verify
from bisae.study import Study, dump_study
from support.studies import MODEL, TEXT, make_study

CELL = Cell("1M", 7, 1)
D, K, N, ROWS, CONTEXT = 6, 3, 32, 40, 9
SAE = {
    "architecture": "topk",
    "n_features": N,
    "k": K,
    "d_model": D,
    "lr": 1e-3,
    "seed": 0,
    "start": "random",
    "steps": 1,
    "tokens_seen": 1,
    "model": "m",
    "revision": None,
    "lm_fingerprint": "l",
    "tokenizer_fingerprint": "t",
    "corpus_fingerprint": "0" * 64,
}
CODES = dict.fromkeys(("mse", "variance", "fvu", "cosine", "l0", "cut_share"), 0.5)
COUNTS = {"n_eval_tokens": ROWS, "n_dead": 0}
CORPUS = {"bos_token_id": 1, "vocab_size": 99, "tokenizer_fingerprint": "t"}


def study_in(store: AnyPath) -> Study:
    """Return a study of one cell."""
    return make_study(
        store=str(store),
        work_dir="/nowhere",
        corpus={"text": TEXT, "context": CONTEXT},
        models=[MODEL | {"layers": [1]}],
        sae={"n_features": N, "k": K},
    )


def write_corpus(store: Store, seed: int) -> None:
    draw = np.random.default_rng(seed)
    with store.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, 99, (10, CONTEXT - 1))
            writer.append(split, token_id, np.arange(10) % 2)
        writer.finish(CORPUS)


def write_sae(store: Store, seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights = {"W_enc": (N, D), "W_dec": (N, D), "b_pre": (D,)}
    values = {name: draw.normal(size=shape) for name, shape in weights.items()}
    store.write_sae(CELL, values, draw.random(4), SAE)


def write_codes(store: Store, seed: int) -> None:
    draw = np.random.default_rng(seed)
    value = -np.sort(-draw.random((ROWS, K)), axis=1)
    index = np.tile(np.arange(K), (ROWS, 1))
    with store.write_codes(CELL, ROWS) as writer:
        writer.append(index, value)
        writer.finish(CODES | COUNTS)


WRITERS: dict[str, Callable[[Store, int], None]] = {
    "corpus": write_corpus,
    f"cells/{CELL}/sae": write_sae,
    f"cells/{CELL}/codes": write_codes,
}
MOMENTS = {
    "before an array is made": (part, "create"),
    "before it is complete": (part, "finish"),
    "before the sums are in place": (staging, "create"),
    "before the part is in place": (staging, "put_new"),
    "while it is put into place": (files, "_put_new"),
}


@pytest.fixture(params=["folder", "object store"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "folder":
        return any_path(tmp_path / "store")
    return any_path(request.getfixturevalue("bucket"))


def sleep_at(
    monkeypatch: pytest.MonkeyPatch, moment: str, successor: Callable[[], None]
) -> None:
    """Let a successor take the lease and do its work at this moment of ours."""
    module, name = MOMENTS[moment]
    plain, slept = getattr(module, name), list[str]()

    def sleep(*args: Any, **named: Any) -> Any:
        if not slept:
            slept.append(moment)
            with monkeypatch.context() as patch:
                patch.setattr(holder, "STALE_AFTER", -1.0)  # our heartbeat is old
                successor()
        return plain(*args, **named)

    monkeypatch.setattr(module, name, sleep)


def content(store: Store, path: str) -> dict[str, bytes]:
    """Every file of a part, and its sums."""
    folder = store.zarr / path
    listed = [*below(folder), files.checksum_file(folder)]
    return {relative(file, store.zarr): read(file) for file in listed}


@pytest.mark.parametrize("path", WRITERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_who_slept_finds_its_successor_and_leaves_its_part_whole(
    home: AnyPath, monkeypatch: pytest.MonkeyPatch, path: str, moment: str
) -> None:
    if moment == "while it is put into place" and files.is_local(home):
        pytest.skip("a folder is put into place in one step")
    store, second = create_store(study_in(home)), open_store(home)
    if path.endswith("codes"):
        write_sae(store, 0)
    after: dict[str, bytes] = {}

    def successor() -> None:
        WRITERS[path](second, 2)
        after.update(content(second, path))

    sleep_at(monkeypatch, moment, successor)
    with pytest.raises(LeaseLost, match=r" was taken over by .*: this process was"):
        WRITERS[path](store, 1)
    assert len(after) > 4
    assert content(store, path) == after
    assert names(home / "unfinished") == []
    if path == "corpus":
        assert check(store, path) == []


def test_what_fails_once_the_lease_is_lost_says_so(
    home: AnyPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, second = create_store(study_in(home)), open_store(home)

    def fail() -> None:
        with store.lease("1M/7"):
            monkeypatch.setattr(holder, "STALE_AFTER", -1.0)
            with second.lease("1M/7"):
                raise FileNotFoundError

    with pytest.raises(LeaseLost, match=r"^1M/7 was taken over by "):
        fail()


def test_a_table_is_not_exchanged_for_a_sleepers(
    home: AnyPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it slept: before the sum, the file, or the last sum is written."""
    for step in range(3):
        file, checks = home / f"{step}" / "rows", iter(range(9))

        def may_write() -> None:
            pass

        def check_lease(
            file: AnyPath = file, step: int = step, checks: Any = checks
        ) -> None:
            if next(checks) == step:
                with files.write_with_checksum(file, may_write) as partial:
                    partial.write_text("successor")
                raise LeaseLost

        with (
            pytest.raises(LeaseLost),
            files.write_with_checksum(file, check_lease) as partial,
        ):
            partial.write_text("sleeper")
        assert file.read_text() == "successor"
        assert files.matches_checksum(file)


# -- real processes, really stopped ----------------------------------------------------

SLEEPER = """
import os, signal, sys
from importlib import import_module
from bisae.cli import main
from bisae.store import lease

lease.BEAT = 0.05
path, name, turn, *command = sys.argv[1:]
module, _, kind = path.partition(":")
where = import_module(module)
where = getattr(where, kind) if kind else where
plain, calls = getattr(where, name), iter(range(10**6))

def sleep(*args, **named):
    if next(calls) == int(turn):
        os.kill(os.getpid(), signal.SIGSTOP)
    return plain(*args, **named)

setattr(where, name, sleep)
main(command)
"""


@contextmanager
def asleep(
    moment: tuple[str, str, int], *command: object
) -> Iterator["subprocess.Popen[str]"]:
    """A process of `bisae` that is stopped before some call of a function."""
    argv = [sys.executable, "-c", SLEEPER, *map(str, (*moment, *command))]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield process
        process.kill()


@pytest.fixture(scope="module")
def with_corpus(tiny_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The tiny study, its corpus built."""
    home = tmp_path_factory.mktemp("asleep")
    update = {"store": str(home / "store"), "work_dir": str(home / "work")}
    study = with_layers(tiny_study.model_copy(update=update))
    prepare(study)
    return study


def wait_until_old(store: Store, name: str) -> None:
    while store.holder(name):
        time.sleep(0.05)


def unlike(study: Study) -> Study:
    """The same study in other arithmetic."""
    lm = study.lm.model_copy(update={"dtype": "bfloat16"})
    return study.model_copy(update={"lm": lm})


def stored(store: Store) -> dict[str, bytes]:
    """All that counts in a store."""
    files = [*below(store.zarr), *below(store.tables)]
    return {str(file): read(file, 2**30) for file in files}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(("bisae.train.run", "_learn", 3), marks=pytest.mark.slow),
        pytest.param(
            ("bisae.pipeline.checkpoint", "encode_checkpoint", 0),
            marks=pytest.mark.slow,
        ),
        ("bisae.store.writers:CodesWriter", "append", 2),
        pytest.param(("bisae.store.staging", "put_new", 0), marks=pytest.mark.slow),
    ],
    ids=["training", "between", "encoding", "publishing"],
)
def test_a_stopped_process_leaves_its_successors_work_whole(
    with_corpus: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: tuple[str, str, int],
) -> None:
    shared = Path(with_corpus.store).parent
    home = tmp_path / "study"
    subprocess.run(["cp", "-r", shared, home], check=True)
    update = {"store": str(home / "store"), "work_dir": str(home / "work")}
    study = with_corpus.model_copy(update=update)
    (home / "study.toml").write_text(dump_study(study))
    only = "size=S,step=5"
    with asleep(moment, "build", home / "study.toml", "--only", only) as sleeper:
        store = open_store(study.store)
        assert store.holder("S/5")
        assert not store.cell_status(Cell("S", 5, 2)).codes
        monkeypatch.setattr(holder, "STALE_AFTER", 0.5)
        wait_until_old(store, "S/5")
        build(unlike(study), parse_selection(only), ("train", "encode"))
        after = stored(store)
        sleeper.send_signal(signal.SIGCONT)
        _, said = sleeper.communicate()
    assert sleeper.returncode == 1, said
    assert said.splitlines()[-1].startswith("Error: S/5 was taken over by ")
    assert "Traceback" not in said
    assert stored(store) == after
    assert verify(store, parse_selection(None)).findings == []
    assert names(store.path / "unfinished") == []
    assert not (home / "work").exists()
