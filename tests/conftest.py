"""One tiny study, built once by the real pipeline, for all tests that read a store."""

import os
import shutil
from collections.abc import Iterator
from uuid import uuid4

# Triton reads it when it is first imported, by whatever test that is.
os.environ["TRITON_INTERPRET"] = "1"

from pathlib import Path

import fsspec
import pytest
import reference
import torch
from reference import Bin, Corpus, Rules
from servers import s3_server

from bisae.build import build, search
from bisae.clusters import load_embeddings
from bisae.grid import Selection
from bisae.pretrain import pretrain
from bisae.query import connect
from bisae.store import Store, open_store
from bisae.study import Study, load_study
from bisae.toy import write_texts

TINY = Path(__file__).parent / "tiny.toml"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tiny tensors: threads cost more than they give, and tests run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The tiny study with its text and checkpoints, nothing built yet."""
    folder = tmp_path_factory.mktemp("tiny")
    write_texts(folder / "text", documents=900, parallel=100, seed=0)
    (folder / "tiny.toml").write_text(TINY.read_text())
    study = load_study(folder / "tiny.toml")
    pretrain(study)
    return study


@pytest.fixture(scope="session")
def tiny(tiny_study: Study) -> Store:
    """The tiny study's store, searched, built, exported. Read only: tests copy it."""
    search(tiny_study)
    return build(tiny_study, Selection())


@pytest.fixture
def copy(tiny: Store, tmp_path: Path) -> Store:
    """A store of one's own, to change."""
    shutil.copytree(str(tiny.place), tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture(scope="session")
def corpus(tiny: Store) -> Corpus:
    """The tiny study's evaluation text, for the reference."""
    context = tiny.study.corpus.context
    tokens = reference.tokens_of(tiny.documents("eval"), context, tiny.languages)
    sql = "select document, language_permuted from documents"
    permuted = dict(connect(tiny, query=sql).execute(sql).fetchall())
    return Corpus(tokens, tiny.languages, context, permuted)


@pytest.fixture(scope="session")
def rules(tiny: Store) -> Rules:
    """What the reference computes the tiny study's metrics by."""
    con = connect(tiny)
    sql = "select n_tokens_low, n_tokens_high, monosemanticity from mono_null"
    bins = [Bin(*row) for row in con.execute(sql).fetchall()]
    (found,) = con.execute("select semantic_threshold from settings").fetchall()
    embeddings = dict(enumerate(load_embeddings(tiny)))
    return Rules(tiny.study.features, found[0], embeddings, bins)


@pytest.fixture
def copied_study(tiny: Store, tmp_path: Path) -> Study:
    """The tiny study over a copy of its store."""
    shutil.copytree(str(tiny.place), tmp_path / "store")
    return tiny.study.model_copy(update={"store": str(tmp_path / "store")})


@pytest.fixture(scope="session")
def object_store() -> Iterator[None]:
    """A local S3 server, and an environment that names it."""
    with s3_server() as (_, told), pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def bucket(object_store: None) -> str:
    """The URL of a bucket with nothing in it."""
    name = f"b-{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}/some/prefix"
