"""One tiny study, built once by the real pipeline, for all tests that read a store.

Property tests draw the same examples every time; `make test-slow` draws new ones.
"""

import fcntl
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

# Triton reads it when it is first imported, by whatever test that is. `make test-gpu`
# sets it to 0, to compile the kernels.
os.environ.setdefault("TRITON_INTERPRET", "1")

from pathlib import Path

import fsspec
import pytest
import torch
import vl_convert
from hypothesis import settings

from bisae.demo.toy import write_texts
from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.pipeline.prepare import search
from bisae.pretrain import pretrain
from bisae.query import Connection, columns_of, compute_once, connect
from bisae.store import Store, open_store, registry
from bisae.study import Study, load_study
from bisae.tables.clusters import load_embeddings
from support import DATA, reference
from support.browsing import Site, serving
from support.reference import Bin, Corpus, Rules
from support.removal import remove_cells
from support.rows import stored
from support.servers import s3_server
from support.store_copy import copy_store

TINY = DATA / "tiny.toml"
settings.register_profile(
    "repeatable", max_examples=20, deadline=None, derandomize=True
)
settings.register_profile("random", max_examples=100, deadline=None)
settings.load_profile("repeatable")  # unless --hypothesis-profile names the other
LONGEST = (
    "test_checks",
    "test_object_store",
    "test_report",
    "test_user_checks",
    "test_recorded_checks",
    "test_build",
    "test_docs",
    "test_validate_command",
)
"""Files that take longest, longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no worker ends with one by itself."""
    order = {name: location for location, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tiny tensors: threads cost more than they give, and tests run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _unsynced() -> Iterator[None]:
    """Do not wait for the disk: no test can see whether a file survives a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _drawn_once() -> Iterator[None]:
    """Draw each figure once: many tests write a report of the same rows."""
    results: dict[bytes, Any] = {}

    def remember(convert: Callable[..., Any]) -> Callable[..., Any]:
        def converted(source: Any, **options: Any) -> Any:
            text = json.dumps([convert.__name__, source, options])
            key = hashlib.sha256(text.encode()).digest()
            if key not in results:
                results[key] = convert(source, **options)
            return results[key]

        return converted

    with pytest.MonkeyPatch.context() as patch:
        for name in ("vegalite_to_svg", "svg_to_png", "svg_to_pdf"):
            patch.setattr(vl_convert, name, remember(getattr(vl_convert, name)))
        yield


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Let SIGINT interrupt, also in a shell's background job, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def locked(file: Path, *, alone: bool) -> Iterator[None]:
    """Hold a lock that all workers know, `alone` or with others who share it."""
    with file.open("a") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def tiny_study(session_folder: Path) -> Study:
    """The tiny study with its text and checkpoints, nothing built yet.

    The first worker that needs it makes it, others wait.
    """
    folder = session_folder / "tiny"
    with locked(session_folder / "tiny_study.lock", alone=True):
        if not (folder / "tiny.toml").exists():
            write_texts(folder / "text", documents=900, parallel=100, seed=0)
            (folder / "tiny.toml").write_text(TINY.read_text())
        study = load_study(folder / "tiny.toml")
        pretrain(study)
    return study


@pytest.fixture(scope="session")
def tiny(session_folder: Path, tiny_study: Study) -> Store:
    """The tiny study's store, searched, built, exported. Read only: tests copy it.

    Workers build it together, each other checkpoints, and wait for each other. Once it
    is there nobody writes to it, not even a lease, while others copy it.
    """
    lock, done = session_folder / "tiny.lock", session_folder / "tiny" / "done"
    with locked(lock, alone=False):
        if not done.exists():
            build(tiny_study, Selection())
    with locked(lock, alone=True):
        if not done.exists():
            search(tiny_study)
            build(tiny_study, Selection())
            done.touch()
    return open_store(tiny_study.store)


@pytest.fixture(scope="module")
def con(tiny: Store) -> Iterator[Connection]:
    """A connection to every table and view of the tiny study.

    Its tables are in memory: a query takes half as long as over their files.
    """
    with closing(connect(tiny)) as connection:
        compute_once(connection, columns_of(connection).keys() & registry().keys())
        yield connection


@pytest.fixture(scope="module")
def site(tiny: Store) -> Iterator[Site]:
    """The feature browser of the tiny study."""
    with serving(tiny) as running:
        yield running


@pytest.fixture
def copy(tiny: Store, tmp_path: Path) -> Store:
    """A store of one's own, to change."""
    copy_store(tiny, tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture(scope="session")
def corpus(tiny: Store) -> Corpus:
    """The tiny study's evaluation text, for the reference."""
    context = tiny.study.corpus.context
    tokens = reference.tokens_of(tiny.documents("eval"), context, tiny.languages)
    sql = "select document, language_permuted from documents"
    permuted = {row["document"]: row["language_permuted"] for row in stored(tiny, sql)}
    return Corpus(tokens, tiny.languages, context, permuted)


@pytest.fixture(scope="session")
def rules(tiny: Store) -> Rules:
    """What the reference computes the tiny study's metrics by."""
    sql = "select n_tokens_low, n_tokens_high, monosemanticity from mono_null"
    bins = [Bin(*row.values()) for row in stored(tiny, sql)]
    (actual,) = stored(tiny, "select semantic_threshold from settings")
    embeddings = dict(enumerate(load_embeddings(tiny)))
    return Rules(tiny.study.features, actual["semantic_threshold"], embeddings, bins)


@pytest.fixture
def copied_study(tiny: Store, tmp_path: Path) -> Study:
    """The tiny study over a copy of its store."""
    copy_store(tiny, tmp_path / "store")
    update = {"store": str(tmp_path / "store"), "work_dir": str(tmp_path / "work")}
    return tiny.study.model_copy(update=update).with_written_paths({})


@pytest.fixture
def small_study(copied_study: Study) -> Study:
    """The tiny study over a copy of its store, from which the larger size is removed.

    Built again with `--only size=S`, it stays that small.
    """
    remove_cells(copied_study.store, "size=M")
    return copied_study


@pytest.fixture(scope="session")
def object_store() -> Iterator[None]:
    """A local S3 server, and an environment that names it."""
    with s3_server() as (_, result), pytest.MonkeyPatch.context() as patch:
        for name, value in result.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def bucket(object_store: None) -> str:
    """The URL of a bucket with nothing in it."""
    name = f"b-{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}/some/prefix"
