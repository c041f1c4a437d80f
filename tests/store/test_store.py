"""The store on a disk: round trips, `complete`, checksums, and every refusal."""

import errno
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bisae.assets import asset_dir
from bisae.errors import (
    AddressError,
    BisaeError,
    Damaged,
    StoreError,
    StudyError,
    Unfinished,
)
from bisae.files import names
from bisae.grid import Cell
from bisae.store import SPLITS, Store, create_store, lease, open_store
from bisae.store.opening import _parse, _sealed, is_sealed
from bisae.study import Study
from support.part_attributes import CODES, CORPUS, SAE
from support.studies import TEXT, make_study

LAYOUT = tomllib.loads((asset_dir("store") / "layout.toml").read_text("utf-8"))
ONE, TWO = Cell("1M", 7, 1), Cell("1M", 7, 2)
D, CONTEXT = 6, 9
CHUNK, SHARD = 87_381, 1_398_096
"""Rows of codes of K 3."""
LONG = SHARD + 20_000
anyhow = settings(max_examples=25)


def study_in(store: Path, **sae: Any) -> Study:
    """Return a study of two cells with a small dictionary."""
    corpus = {"text": TEXT, "context": CONTEXT}
    return make_study(store, corpus=corpus, sae={"n_features": 32, "k": 3} | sae)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(study_in(tmp_path / "store"))


def random_weights(n: int = 32, *, bias: bool = False) -> dict[str, Any]:
    draw = np.random.default_rng(n)
    shapes = {"W_enc": (n, D), "W_dec": (n, D), "b_pre": (D,)}
    shapes |= {"b_enc": (n,)} if bias else {}
    return {k: draw.normal(size=v).astype(np.float32) for k, v in shapes.items()}


def random_codes(rows: int, n: int = 32, k: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Rows in rank order, of which a third of the places is unused."""
    draw = np.random.default_rng(seed)
    value = -np.sort(-draw.random((rows, k)).astype(np.float16), axis=1)
    value[draw.random((rows, k)) < 1 / 3] = 0
    value = -np.sort(-value, axis=1)
    index = np.where(value > 0, draw.integers(0, n, (rows, k)), 0)
    return index, value


def write_sae(store: Store, cell: Cell = ONE, n: int = 32) -> dict[str, Any]:
    weights = random_weights(n)
    store.write_sae(cell, weights, np.ones(4, np.float32), SAE)
    return weights


def write_codes(store: Store, index: Any, value: Any, pieces: int = 7) -> None:
    with store.write_codes(ONE, len(index)) as writer:
        for section in np.array_split(np.arange(len(index)), pieces):
            writer.append(index[section], value[section])
        writer.finish(CODES)


def read_codes(store: Store) -> tuple[Any, Any]:
    blocks = list(store.codes(ONE))
    assert [b.first for b in blocks] == list(
        np.cumsum([0, *(len(b.index) for b in blocks)])[:-1]
    )
    return (
        np.concatenate([b.index for b in blocks]),
        np.concatenate([b.value for b in blocks]),
    )


def write_corpus(store: Store, documents: int = 10) -> dict[str, Any]:
    """All splits in two pieces; gives each split's token ids."""
    draw = np.random.default_rng(0)
    written = {}
    with store.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, 99, (documents, CONTEXT - 1))
            token_id[0, 3:] = -1  # a short one
            language = np.arange(documents) % 2
            writer.append(split, token_id[:4], language[:4])
            writer.append(split, token_id[4:], language[4:])
            written[split] = token_id
        writer.finish(CORPUS)
    return written


def told(store: Store, node: str) -> dict[str, Any]:
    """A node's metadata as it stands on the disk."""
    text = (store.zarr / node / "zarr.json").read_text("utf-8")
    actual: dict[str, Any] = json.loads(text)
    return actual


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with text and one finished cell, of more than one shard. Read only."""
    store = create_store(study_in(tmp_path_factory.mktemp("whole") / "store"))
    write_corpus(store)
    store.write_sae(ONE, random_weights(5000, bias=True), np.ones(4, np.float32), SAE)
    write_codes(store, *random_codes(LONG))
    return store


# -- the corpus -----------------------------------------------------------------------


def test_a_corpus_is_read_back(store: Store) -> None:
    written = write_corpus(store)
    for (split, token_id), size in product(written.items(), [1, 3, 10, 4096]):
        blocks = list(store.documents(split, size))
        assert [block.first for block in blocks] == list(range(0, 10, size))
        assert np.array_equal(np.concatenate([b.token_id for b in blocks]), token_id)
        languages = np.concatenate([block.language for block in blocks])
        assert languages.tolist() == [0, 1] * 5
        lengths = np.concatenate([block.length for block in blocks])
        assert lengths.tolist() == [3] + [CONTEXT - 1] * 9
        assert store.n_documents(split) == 10


def test_a_corpus_says_what_it_is(whole: Store) -> None:
    attributes = whole.corpus_attributes()
    assert attributes["bisae_format"] == "corpus"
    assert attributes["bisae_format_version"] == LAYOUT["version"]
    assert attributes["languages"] == ["en", "ja"]
    assert attributes["bos_token_id"] == 1
    assert re.fullmatch("[0-9a-f]{64}", attributes["fingerprint"])


def test_an_unfinished_corpus_is_refused(store: Store) -> None:
    said = re.escape(f"{store.path}: the corpus is not finished; run `bisae build`")
    with store.write_corpus() as writer:
        writer.append("eval", np.ones((2, CONTEXT - 1)), np.zeros(2))
        assert not store.has_corpus()
        with pytest.raises(Unfinished, match=f"^{said}$"):
            next(store.documents("eval"))
        with pytest.raises(Unfinished, match=f"^{said}$"):
            store.n_documents("eval")
        writer.finish(CORPUS)
    assert store.has_corpus()
    assert store.n_documents("eval") == 2


def test_an_unfinished_corpus_is_written_anew(store: Store) -> None:
    with store.write_corpus() as writer:
        writer.append("eval", np.ones((2, CONTEXT - 1)), np.zeros(2))
    written = write_corpus(store)
    (block,) = store.documents("eval")
    assert np.array_equal(block.token_id, written["eval"])


# -- autoencoders ---------------------------------------------------------------------


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("n", [32, 4096, 4097])
def test_an_autoencoder_is_read_back(store: Store, n: int, *, bias: bool) -> None:
    weights = random_weights(n, bias=bias)
    loss = np.array([3, 2, 1], np.float32)
    store.write_sae(ONE, weights, loss, SAE | {"lr": 0.5})
    actual = store.weights(ONE)
    assert actual.keys() == weights.keys()
    assert all(np.array_equal(actual[name], weights[name]) for name in weights)
    attributes = store.attributes(ONE, "sae")
    assert (attributes["k"], attributes["lr"], attributes["revision"]) == (3, 0.5, None)
    assert str(store.cell_status(ONE)) == "trained"
    assert str(store.cell_status(TWO)) == "missing"


def test_equal_weights_have_equal_fingerprints(store: Store) -> None:
    write_sae(store, ONE)
    write_sae(store, TWO)
    prints = [store.attributes(cell, "sae")["fingerprint"] for cell in (ONE, TWO)]
    assert prints[0] == prints[1]
    write_sae(store, TWO, n=33)
    assert store.attributes(TWO, "sae")["fingerprint"] != prints[0]


def test_complete_is_written_last(whole: Store) -> None:
    folder = whole.zarr / "cells" / str(ONE)
    for section, others in (("sae", ["sae", "train"]), ("codes", ["codes"])):
        last = folder / section / "zarr.json"
        assert told(whole, f"cells/{ONE}/{section}")["attributes"]["complete"] is True
        files = [f for name in others for f in (folder / name).rglob("*")]
        before = [f.stat().st_mtime_ns for f in files if f.is_file() and f != last]
        assert len(before) >= 4
        assert max(before) <= last.stat().st_mtime_ns


def test_an_autoencoder_that_was_cut_short_is_refused(store: Store) -> None:
    with pytest.raises(KeyError):
        store.write_sae(ONE, random_weights() | {"W_x": np.ones(3)}, np.ones(1), {})
    assert names(store.path / "unfinished") == []
    said = f"{store.path}: sae of cell {ONE} is not finished; `bisae build`"
    with pytest.raises(Unfinished, match=f"^{re.escape(said)}$"):
        store.weights(ONE)
    weights = write_sae(store)
    assert np.array_equal(store.weights(ONE)["W_enc"], weights["W_enc"])


# -- codes ----------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 100, CHUNK - 1, CHUNK, CHUNK + 1, LONG])
def test_codes_are_read_back_whatever_the_rows(store: Store, rows: int) -> None:
    write_sae(store)
    index, value = random_codes(rows)
    write_codes(store, index, value)
    actual = read_codes(store)
    assert np.array_equal(actual[0], index)
    assert np.array_equal(actual[1], value)
    assert (actual[0].dtype, actual[1].dtype) == (np.uint16, np.float16)
    assert store.attributes(ONE, "codes")["mse"] == 0.5
    assert str(store.cell_status(ONE)) == "finished"


def test_codes_are_the_same_however_they_are_appended(store: Store) -> None:
    write_sae(store)
    index, value = random_codes(LONG)
    prints = set()
    for pieces in (1, 3, 200):
        write_codes(store, index, value, pieces)
        prints.add(store.attributes(ONE, "codes")["fingerprint"])
        assert np.array_equal(read_codes(store)[0], index)
    assert len(prints) == 1


@pytest.mark.parametrize("pieces", [1, 50])
def test_features_are_numbered_by_falling_count(store: Store, pieces: int) -> None:
    """Of the first rows' codes; equal counts by feature."""
    write_sae(store)
    index, value = random_codes(140_000)
    index = np.where(value > 0, index**2 // 32, 0)  # low features more often
    write_codes(store, index, value, pieces)
    feature, number = (
        store.array(f"cells/{ONE}/codes/{name}")[:] for name in ("feature", "index")
    )
    first = index[:131_072][value[:131_072] > 0].tolist()
    expected = sorted(range(32), key=lambda one: (-first.count(one), one))
    assert feature.tolist() == expected
    used = value > 0
    assert np.array_equal(feature[number][used], index[used])
    assert not number[~used].any()


@pytest.mark.parametrize(("n", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_an_index_is_as_wide_as_the_dictionary(
    tmp_path: Path, n: int, dtype: str
) -> None:
    store = create_store(study_in(tmp_path / "store", n_features=n))
    write_sae(store)
    value = np.array([[3, 2, 1]], np.float16)
    write_codes(store, np.array([[n - 1, 0, n - 2]]), value, 1)
    (block,) = store.codes(ONE)
    assert block.index.dtype == dtype
    assert block.index.tolist() == [[n - 1, 0, n - 2]]


def test_unfinished_codes_are_refused(store: Store) -> None:
    write_sae(store)
    index, value = random_codes(10)
    said = f"{store.path}: codes of cell {ONE} is not finished; `bisae build`"
    with store.write_codes(ONE, 10) as writer:
        writer.append(index, value)
        assert str(store.cell_status(ONE)) == "trained"
        with pytest.raises(Unfinished, match=f"^{re.escape(said)}$"):
            next(store.codes(ONE))
        with pytest.raises(Unfinished, match=f"^{re.escape(said)}$"):
            store.codes_stream(ONE)
        writer.finish(CODES)
    assert np.array_equal(read_codes(store)[0], index)


def test_too_few_rows_are_not_finished(store: Store) -> None:
    write_sae(store)
    index, value = random_codes(10)
    said = f"^cell {ONE}: 10 rows of 11$"
    with store.write_codes(ONE, 11) as writer:
        writer.append(index, value)
        with pytest.raises(StoreError, match=said):
            writer.finish({})
    assert not store.cell_status(ONE).codes


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 65_520.0])
def test_a_code_that_float16_cannot_hold_is_refused(store: Store, bad: float) -> None:
    write_sae(store)
    value = np.array([[1.0, 0.5, 0.0], [bad, 0.5, 0.0]])
    said = f"^cell {ONE}: a code is not finite as float16$"
    with store.write_codes(ONE, 2) as writer, pytest.raises(StoreError, match=said):
        writer.append(np.zeros((2, 3), int), value)
    assert not store.cell_status(ONE).codes


def test_codes_stream_into_duckdb_twice(whole: Store) -> None:
    index, value = read_codes(whole)
    con = duckdb.connect()
    con.register("codes", whole.codes_stream(ONE))
    row, rank = np.nonzero(value)
    for _ in range(2):
        actual = con.sql("select * from codes order by token_row, value desc").df()
        assert np.array_equal(actual.token_row, row)
        assert np.array_equal(actual.value, value[row, rank])
        assert sorted(actual.feature) == sorted(index[row, rank])
    types = [str(item) for item in con.sql("from codes").types]
    assert types == ["BIGINT", "INTEGER", "FLOAT", "BOOLEAN", "UTINYINT"]


def test_a_run_starts_where_the_token_before_has_no_such_code(whole: Store) -> None:
    """Blocks as they are read, unused places and the ends of documents included."""
    width = whole.study.corpus.context - 1
    index, value = read_codes(whole)
    row, rank = np.nonzero(value)
    key = row * 65_536 + index[row, rank]
    goes_on = np.isin(key - 65_536, key) & (row % width > 0)
    batches = list(whole.read_codes(ONE))
    starts = [batche["starts_run"].to_numpy(zero_copy_only=False) for batche in batches]
    assert len(starts) > 1
    assert np.array_equal(np.concatenate(starts), ~goes_on)
    assert goes_on.any()


def test_reading_leaves_the_warnings_filters_alone(whole: Store) -> None:
    before = list(warnings.filters)
    result, two = whole.codes(ONE), whole.codes(ONE)
    next(result)
    next(two)
    assert list(warnings.filters) == before
    assert len([*result, *two]) == 2 * (5 - 1)
    assert list(warnings.filters) == before


# -- the format -----------------------------------------------------------------------


def codecs(array: dict[str, Any]) -> list[str]:
    return [codec["name"] for codec in array["codecs"]]


@pytest.mark.parametrize("name", ["token_id", "language", "length"])
def test_corpus_arrays_are_as_the_layout_says(whole: Store, name: str) -> None:
    spec = LAYOUT["array"][name]
    actual = told(whole, spec["path"].format(split="eval"))
    assert actual["data_type"] == spec["dtype"]
    assert actual["dimension_names"] == spec["dimensions"]
    assert actual["chunk_grid"]["configuration"]["chunk_shape"][0] == spec["chunk"]
    assert codecs(actual) == ["bytes", "zstd"]
    assert actual["codecs"][1]["configuration"] == {"level": 1, "checksum": True}


@pytest.mark.parametrize("name", ["W_enc", "W_dec", "b_pre", "b_enc", "loss"])
def test_weights_are_as_the_layout_says(whole: Store, name: str) -> None:
    spec = LAYOUT["array"][name]
    actual = told(whole, spec["path"].format(**ONE._asdict()))
    rows = {"b_pre": D, "loss": 4}.get(name, 5000)
    assert actual["data_type"] == spec["dtype"]
    assert actual["dimension_names"] == spec["dimensions"]
    chunk = actual["chunk_grid"]["configuration"]["chunk_shape"]
    assert chunk[0] == min(spec["chunk"], rows)
    assert codecs(actual) == ["bytes", "zstd"]
    assert actual["codecs"][1]["configuration"] == {"level": 1, "checksum": True}


@pytest.mark.parametrize("name", ["index", "value"])
def test_codes_are_as_the_layout_says(whole: Store, name: str) -> None:
    spec = LAYOUT["array"][name]
    actual = told(whole, spec["path"].format(**ONE._asdict()))
    assert actual["data_type"] == spec["dtype"]
    assert actual["dimension_names"] == spec["dimensions"]
    shard = actual["chunk_grid"]["configuration"]["chunk_shape"]
    (sharding,) = actual["codecs"]
    inner = sharding["configuration"]
    assert (shard, inner["chunk_shape"]) == ([SHARD, 3], [CHUNK, 3])
    assert spec["chunk_values"] - 3 < CHUNK * 3 <= spec["chunk_values"]
    assert spec["chunks_a_shard"] * CHUNK == SHARD
    assert codecs(inner) == ["numcodecs.pcodec", "crc32c"]
    assert inner["codecs"][0]["configuration"]["level"] == 8
    assert [codec["name"] for codec in inner["index_codecs"]] == ["bytes", "crc32c"]


def test_root_cell_and_corpus_are_stamped(whole: Store) -> None:
    for node, kind in (("", "store"), (f"cells/{ONE}", "cell"), ("corpus", "corpus")):
        attributes = told(whole, node)["attributes"]
        assert attributes["bisae_format"] == kind
        assert attributes["bisae_format_version"] == LAYOUT["version"] == 1


@pytest.mark.parametrize("part", ["corpus", f"cells/{ONE}/sae", f"cells/{ONE}/codes"])
def test_a_part_tells_the_sums_of_its_arrays(whole: Store, part: str) -> None:
    """As store/README.md defines them, in a few plain lines."""
    attributes = told(whole, part)["attributes"]
    lines = ""
    for name in sorted(attributes["sha256"]):
        array = whole.array(f"{part}/{name}")[:]
        digest = hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes())
        assert attributes["sha256"][name] == digest.hexdigest()
        lines += f"{name} {digest.hexdigest()}\n"
    assert attributes["fingerprint"] == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("part", ["corpus", f"cells/{ONE}/sae", f"cells/{ONE}/codes"])
def test_the_sums_of_a_part_are_those_of_sha256sum(whole: Store, part: str) -> None:
    folder, _, name = f"{whole.zarr}/{part}".rpartition("/")
    command = ["sha256sum", "--check", f"{name}.sha256"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    nodes = list(Path(folder, name).rglob("zarr.json"))
    assert len(ran.stdout.splitlines()) == len(nodes)


# -- damage ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished cell, of which tests flip a bit and flip it back."""
    location = tmp_path_factory.mktemp("damaged") / "store"
    store = create_store(study_in(location))
    write_sae(store)
    write_codes(store, *random_codes(9000))
    return store


def read_part(store: Store, part: str) -> list[bytes]:
    """The bytes of every array of a part."""
    if part == "sae":
        weights = store.weights(ONE)
        return [weights[name].tobytes() for name in sorted(weights)]
    return [array.tobytes() for array in read_codes(store)]


@anyhow
@example("sae/b_pre/c/0", 4 / 37, 4)  # a bit of a zstd frame that means nothing
@given(
    st.sampled_from(["sae/W_enc/c/0/0", "sae/b_pre/c/0"])
    | st.sampled_from(["codes/index/c/0/0", "codes/value/c/0/0"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 7),
)
def test_a_flipped_bit_is_an_error_or_changes_no_value(
    damaged: Store, name: str, place: float, bit: int
) -> None:
    section = name.split("/")[0]
    file = damaged.zarr / "cells" / str(ONE) / name
    whole = file.read_bytes()
    byte = int(place * len(whole))
    flipped = bytes([whole[byte] ^ (1 << bit)])
    file.write_bytes(whole[:byte] + flipped + whole[byte + 1 :])
    array, chunk = name.split("/c/")
    said = f"{damaged.path}: cells/{ONE}/{array}, chunk c/{chunk} (rows "
    values: list[bytes] | None = None
    message = ""
    try:
        values = read_part(damaged, section)
    except Damaged as error:
        message = str(error)
    finally:
        file.write_bytes(whole)
    if values is None:
        assert re.match(f"{re.escape(said)}.* cannot be read: ", message)
    else:
        assert values == read_part(damaged, section)


def test_duckdb_hears_of_a_flipped_bit(damaged: Store) -> None:
    file = damaged.zarr / "cells" / str(ONE) / "codes/value/c/0/0"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    con = duckdb.connect()
    con.register("codes", damaged.codes_stream(ONE))
    try:
        with pytest.raises(
            duckdb.Error, match=f"cells/{ONE}/codes/value, chunk c/0/0 "
        ):
            con.sql("select count(*) from codes").fetchall()
    finally:
        file.write_bytes(whole)


# -- refusals -------------------------------------------------------------------------


def test_a_store_is_opened_again(store: Store) -> None:
    weights = write_sae(store)
    for again in (create_store(store.study), open_store(store.path)):
        assert again.study.model_dump() == store.study.model_dump()
        assert np.array_equal(again.weights(ONE)["W_enc"], weights["W_enc"])
        assert again.languages == ("en", "ja")


@pytest.mark.parametrize("cell", [Cell("2M", 7, 1), Cell("1M", 8, 1), Cell("1M", 7, 0)])
def test_an_unknown_cell_is_named(store: Store, cell: Cell) -> None:
    said = f"{store.path}: no cell {cell}; the nearest is {ONE}"
    with pytest.raises(AddressError, match=f"^{re.escape(said)}$"):
        store.weights(cell)


def test_no_store(tmp_path: Path) -> None:
    said = f"no store at {tmp_path} (it has no study.toml)"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (".zgroup", "is a Zarr v2 hierarchy, not a bisae store (it has no study.toml)"),
        (".zarray", "is a Zarr v2 hierarchy, not a bisae store (it has no study.toml)"),
        ("zarr.json", "is another project's Zarr, not a bisae store (no study.toml)"),
    ],
)
def test_another_projects_zarr(tmp_path: Path, left: str, said: str) -> None:
    (tmp_path / left).write_text("{}")
    with pytest.raises(StoreError, match=f"^{re.escape(f'{tmp_path} {said}')}$"):
        open_store(tmp_path)
    refuses_to_create(tmp_path)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    said = f"{tmp_path / 'file'} is a file; a store is a folder, or a prefix of an ob"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}"):
        open_store(tmp_path / "file")


def test_the_zarr_of_a_store_is_not_the_store(store: Store) -> None:
    said = f"{store.zarr} is inside a store; give the folder that holds it"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        open_store(store.zarr)


def test_another_zarr_in_a_stores_place(store: Store) -> None:
    (store.zarr / "zarr.json").write_text(
        '{"attributes": {}, "zarr_format": 3, "node_type": "group"}'
    )
    said = f"{store.zarr} was not written by bisae; build the study elsewhere"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        open_store(store.path)


def test_a_moved_study_is_the_same_study(store: Store) -> None:
    """Its text and tokenizer may lie in other folders; what they are may not differ."""
    write_corpus(store)
    raw = store.study.model_dump()
    for text in raw["corpus"]["text"]:
        text["files"] = ["/elsewhere/a.txt"]
    create_store(Study.model_validate(raw))
    raw["corpus"]["text"][0]["files"] = ["/text/b.txt"]
    with pytest.raises(StoreError, match=r"another study: \[corpus\] text"):
        create_store(Study.model_validate(raw))


def test_a_store_without_its_arrays(store: Store) -> None:
    store.zarr.rename(store.path / "away")
    said = f"{store.path} has no bisae.zarr; build the study again"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        open_store(store.path)
    assert not create_store(store.study).has_corpus()


def test_an_unknown_version_is_refused_before_its_study_is_read(store: Store) -> None:
    file = store.zarr / "zarr.json"
    file.write_text(file.read_text().replace('_version": 1', '_version": 3'))
    (store.path / "study.toml").write_text("a_key_of_version_3 = 1")
    said = f"{store.path} has format version 3, this bisae reads 1 to 2: install the "
    with pytest.raises(StoreError, match=f"^{re.escape(said)}bisae that wrote it"):
        open_store(store.path)
    with pytest.raises(StoreError, match=f"^{re.escape(said)}bisae that wrote it"):
        create_store(store.study)


def test_a_changed_study_file_is_the_stores_fault(store: Store) -> None:
    file = store.path / "study.toml"
    whole = file.read_bytes()
    refusals = []
    for byte, bit in product(range(0, len(whole), 5), (0, 3)):
        changed = bytearray(whole)
        changed[byte] ^= 1 << bit
        file.write_bytes(bytes(changed))
        try:
            open_store(store.path)
        except BisaeError as error:
            refusals.append((error.exit_code, type(error), str(error)))
        else:
            assert not is_sealed(store.path)
    assert {refusal[:2] for refusal in refusals} == {(1, Damaged)}
    remedy = "; it was changed after it was written: build the study again"
    said = f"{file} cannot be read: unknown key "
    said += "'corpus.evil_tokens'; the nearest known one is "
    file.write_bytes(whole.replace(b"eval_tokens", b"evil_tokens", 1))
    with pytest.raises(Damaged, match=f"^{re.escape(said)}'eval_tokens'{remedy}$"):
        open_store(store.path)


def test_a_setting_of_a_newer_bisae_is_named(store: Store) -> None:
    """Its study is as it was written: the store is not damaged."""
    with pytest.raises(StudyError, match="name is missing"):
        _parse(_sealed("new = 1\n"), "study.toml")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sae": {"k": 2}}, "[sae] k"),
        ({"sae": {"seed": 1}}, "[sae] seed"),
        ({"corpus": {"eval_tokens": 5}}, "[corpus] eval_tokens"),
    ],
)
def test_a_store_of_another_study_is_refused(
    store: Store, change: dict[str, Any], key: str
) -> None:
    write_corpus(store)
    raw = store.study.model_dump()
    second = Study.model_validate(
        raw | {name: raw[name] | values for name, values in change.items()}
    )
    said = f"{store.path} holds another study: {key} is not what it was built with; "
    with pytest.raises(StoreError, match=f"^{re.escape(said)}change it back"):
        create_store(second)
    assert open_store(store.path).study.model_dump() == store.study.model_dump()


def test_a_store_without_a_finished_corpus_is_nobodys(
    store: Store, tmp_path: Path
) -> None:
    second = study_in(tmp_path / "store", k=2)
    assert create_store(second).study == second
    assert open_store(store.path).study.model_dump() == second.model_dump()
    with suppress(KeyboardInterrupt), store.write_corpus():
        raise KeyboardInterrupt
    create_store(store.study)
    assert open_store(store.path).study.model_dump() == store.study.model_dump()


def test_a_store_with_cells_is_somebodys_without_its_corpus(
    store: Store, tmp_path: Path
) -> None:
    write_sae(store)
    with pytest.raises(StoreError, match=r"holds another study: \[sae\] k"):
        create_store(study_in(tmp_path / "store", k=2))


def test_who_waits_for_a_corpus_is_refused_once_it_is_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two studies begin one store: the second must not write over the first."""
    waits = threading.Event()
    monkeypatch.setattr(lease, "note", lambda _: waits.set())
    monkeypatch.setattr(lease, "SHOWN_AFTER", 0.0)
    monkeypatch.setattr(lease, "POLL", 0.01)
    second = study_in(tmp_path / "store", k=2)
    with ThreadPoolExecutor() as pool:
        with store.lease("study"):
            result = pool.submit(create_store, second)
            assert waits.wait(10)
            write_corpus(store)
        with pytest.raises(StoreError, match=r"holds another study: \[sae\] k"):
            result.result()
    assert open_store(store.path).study.model_dump() == store.study.model_dump()


def test_a_study_may_gain_checkpoints(store: Store) -> None:
    write_sae(store)
    model = store.study.models[0].model_copy(update={"steps": (7, 9)})
    more = create_store(store.study.model_copy(update={"models": (model,)}))
    assert more.cell_status(ONE).sae
    assert not more.cell_status(Cell("1M", 9, 1)).sae


def refuses_to_create(place: Path) -> None:
    said = f"{place} exists already and is not a bisae store; choose another `store`"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        create_store(study_in(place))


def test_a_file_is_no_place_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("mine")
    refuses_to_create(tmp_path / "store")
    assert (tmp_path / "store").read_text() == "mine"


def test_a_folder_in_use_is_no_place_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    refuses_to_create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_store_that_lost_its_study_is_not_taken_over(store: Store) -> None:
    write_sae(store)
    (store.path / "study.toml").unlink()
    refuses_to_create(Path(str(store.path)))


def test_an_empty_folder_is_a_place_for_a_store(tmp_path: Path) -> None:
    create_store(study_in(tmp_path))
    assert open_store(tmp_path).study.name == "tiny"


def test_a_place_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    location = tmp_path / "file" / "store"
    with pytest.raises(
        StoreError, match=f"^cannot write a store to {location}: Not a dir"
    ):
        create_store(study_in(location))


# -- a full disk ----------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this process may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    file = disk / "filled"
    with pytest.raises(OSError, match="No space"):
        file.write_bytes(bytes(2_000_000))
    return file


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(small_disk: Path) -> None:
    store = create_store(study_in(small_disk / "store"))
    weights = write_sae(store, ONE)
    said = f"cannot write cell {TWO} to {store.path}: No space left on device; make "
    said += "room and run again; what is finished is kept"
    with pytest.raises(StoreError, match=f"^{re.escape(said)}$"):
        write_sae(store, TWO, n=40_000)
    again = open_store(store.path)
    assert np.array_equal(again.weights(ONE)["W_dec"], weights["W_dec"])
    assert again.cell_status(TWO) == (False, False)
    write_sae(again, TWO)  # what was cut short is written over
    assert again.cell_status(TWO).sae


def test_a_disk_that_fills_up_with_codes(small_disk: Path) -> None:
    store = create_store(study_in(small_disk / "store"))
    write_sae(store)
    index, value = random_codes(400_000, 32)
    said = f"^cannot write cell {ONE} to {store.path}: No space left on device; make"
    with pytest.raises(StoreError, match=said):
        write_codes(store, index, value, 50)
    assert store.cell_status(ONE) == (True, False)
    assert names(store.path / "unfinished") == []
    assert store.weights(ONE).keys() == {"W_enc", "W_dec", "b_pre"}


def test_what_fails_after_a_part_is_finished_leaves_it(store: Store) -> None:
    write_sae(store)
    index, value = random_codes(100)

    def fail() -> None:
        with store.write_codes(ONE, 100) as writer:
            writer.append(index, value)
            writer.finish(CODES)
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="No space left on device"):
        fail()
    assert store.cell_status(ONE) == (True, True)
    assert np.array_equal(read_codes(store)[0], index)


def test_a_disk_that_fills_up_with_text(small_disk: Path) -> None:
    store = create_store(study_in(small_disk / "store"))
    said = f"^cannot write the corpus to {store.path}: No space left on device; make"
    with pytest.raises(StoreError, match=said):
        write_corpus(store, documents=100_000)
    assert not store.has_corpus()
    assert names(store.path / "unfinished") == []  # it would leave no room
    write_corpus(store)
    assert store.n_documents("eval") == 10


def test_a_store_that_found_no_room_is_made_once_there_is(small_disk: Path) -> None:
    location = small_disk / "store"
    full = fill(small_disk)
    with pytest.raises(
        StoreError,
        match=f"^cannot write .* to {location}: No space left on device; make",
    ):
        create_store(study_in(location))
    assert [file.name for file in location.rglob("*")] == ["leases"]
    full.unlink()
    assert create_store(study_in(location)).cell_status(ONE) == (False, False)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from bisae.errors import StoreError
from bisae.grid import Cell
from bisae.store import open_store

store = open_store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
weights = {"W_enc": np.random.default_rng(0).random((40_000, 6), np.float32)}
try:
    store.write_sae(Cell("1M", 7, 2), weights, np.ones(1, np.float32), {})
except StoreError as error:
    print(error)
print(store.cell_status(Cell("1M", 7, 1)), store.cell_status(Cell("1M", 7, 2)))
"""


def test_a_file_that_may_not_grow_is_one_line(store: Store) -> None:
    write_sae(store, ONE)
    command = [sys.executable, "-c", LIMITED, str(store.path)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert out.splitlines() == [
        f"cannot write cell {TWO} to {store.path}: File too large; files cannot be "
        "that large on this disk; use another one; what is finished is kept",
        "trained missing",
    ]
    assert store.weights(ONE).keys() == {"W_enc", "W_dec", "b_pre"}


LOCKED = """
import os, sys
import numpy as np
from bisae.errors import StoreError
from bisae.grid import Cell
from bisae.store import open_store

store = open_store(sys.argv[1])
os.setuid(65534)
print(*store.weights(Cell("1M", 7, 1)))
weights = {"W_enc": np.zeros((32, 6), np.float32)}
try:
    store.write_sae(Cell("1M", 7, 2), weights, np.ones(1, np.float32), {})
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_write_can_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where others may look
        Path(folder).chmod(0o755)
        store = create_store(study_in(Path(folder) / "store"))
        write_sae(store, ONE)
        command = [sys.executable, "-c", LOCKED, str(store.path)]
        told = subprocess.run(command, capture_output=True, text=True)
        assert told.stdout.splitlines() == [
            "W_dec W_enc b_pre",
            f"cannot write the lease on 1M/7 to {store.path}: Permission denied; get "
            "permission to write there and run again; what is finished is kept",
        ], told.stderr
