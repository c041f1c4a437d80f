"""Stores that lie, and files that never end: one line each, and no work before it.

Each fault is planted in a copy of the frozen store, which is small. A reader that
believed it would read forever or fill the memory, so a test that ends has passed.
"""

import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from numcodecs import Zstd

import bisae
from bisae.cli import main
from bisae.disk import read_small
from bisae.errors import BisaeError, Damaged, StoreError
from bisae.files import any_path
from bisae.store import open_store
from bisae.store.codecs import frame_size
from bisae.store.lease import Lease, current_holder
from support import DATA

CELL = "S/5/1"
CODES = f"bisae.zarr/cells/{CELL}/codes"
SAE = f"bisae.zarr/cells/{CELL}/sae"
STATUS = ["status"]
SQL = ["sql", "select count(*) from codes", "--codes", CELL]
VALIDATE = ["validate", "--only", "step=5,layer=1"]
CP = ["cp", "copy"]
VERIFY = ["verify", "--only", "step=5,layer=1"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(DATA / "store-v1.zip") as packed:
        packed.extractall(tmp_path)
    return tmp_path / "store"


def refusal(store: Path, command: list[str]) -> str:
    """The one line with which a command ends."""
    name, *rest = command
    result = CliRunner().invoke(main, [name, str(store), *rest])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2), result.output
    *said, line = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert not [item for item in said if item.startswith(("Error", "Traceback"))]
    return line


# -- metadata that lie -----------------------------------------------------------------


def edit(file: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def attribute(part: str, name: str, value: Any) -> Callable[[Path], None]:
    def plant(store: Path) -> None:
        edit(
            store / part / "zarr.json",
            lambda document: document["attributes"].__setitem__(name, value),
        )

    return plant


def array(name: str, *keys: Any, value: Any) -> Callable[[Path], None]:
    """Change a value of an array's metadata; of codes that of both arrays."""

    def plant(store: Path) -> None:
        def change(document: Any) -> None:
            for key in keys[:-1]:
                document = document[key]
            document[keys[-1]] = value

        edit(store / name / "zarr.json", change)

    return plant


SHARD = ("codecs", 0, "configuration")
SUMS = {"feature": "0" * 64, "index": "0" * 64, "value": "0" * 64}


@pytest.mark.parametrize("command", [SQL, VERIFY], ids=lambda one: one[0])
@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (attribute(CODES, "n_dead", "7"), "n_dead: input should be a valid integer"),
        (attribute(CODES, "n_dead", -1), "n_dead: input should be greater than"),
        (attribute(CODES, "complete", 1), "complete: input should be a valid bool"),
        (
            attribute(CODES, "complete", value=False),
            "complete: it is neither true nor left",
        ),
        (attribute(CODES, "sha256", {}), "sha256 names no array, not feature, index"),
        (attribute(CODES, "sha256", None), "sha256: input should be a valid dict"),
        (
            attribute(CODES, "sha256", SUMS | {"../../../secret": "0" * 64}),
            "sha256 names ../../../secret, feature, index, value, not",
        ),
        (attribute(CODES, "sha256", SUMS | {"index": "../x"}), "sha256.index: string"),
        (attribute(CODES, "fingerprint", None), "fingerprint: input should be"),
        (
            array(f"{CODES}/index", "shape", value=[600, 0]),
            "not a number of whole rows",
        ),
        (array(f"{CODES}/index", "shape", value=[600, 10**9]), "larger than an array"),
        (array(f"{CODES}/index", "shape", value=[10**15, 3]), "larger than an array"),
        (array(f"{CODES}/index", "shape", value=["600", 3]), "shape is ['600', 3]"),
        (array(f"{CODES}/index", "shape", value=[600, True]), "shape is [600, True]"),
        (
            array(f"{CODES}/index", "shape", value=[10**12, 3]),
            "index is (1000000000000",
        ),
        (array(f"{CODES}/index", "data_type", value="float64"), "data_type is float64"),
        (
            array(f"{CODES}/index", *SHARD, "chunk_shape", value=[1, 3]),
            "too large or too small",
        ),
        (
            array(f"{CODES}/index", *SHARD, "chunk_shape", value=[10**12, 3]),
            "too large or too small",
        ),
        (
            array(f"{CODES}/index", *SHARD, "codecs", 0, "name", value="numcodecs.any"),
            "codec numcodecs.any is not one of the format's",
        ),
        (array(f"{CODES}/index", "codecs", value=[{}]), "described in an unknown way"),
        (array(f"{CODES}/index", "node_type", value="group"), "not describe an array"),
    ],
)
def test_codes_that_lie(
    store: Path, plant: Callable[[Path], None], said: str, command: list[str]
) -> None:
    plant(store)
    line = refusal(store, command)
    if command is not VERIFY:  # which prints a table of all that is wrong
        assert said in line
    assert str(store) in line or command is VERIFY


def test_checks_of_codes_that_lie(store: Path) -> None:
    attribute(CODES, "n_dead", "7")(store)
    assert "n_dead: input should be a valid integer" in refusal(store, VALIDATE)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (attribute(SAE, "k", 10**9), "k: input should be less than"),
        (attribute(SAE, "k", 0), "k: input should be greater than"),
        (attribute(SAE, "n_features", "48"), "n_features: input should be a valid int"),
        (attribute(SAE, "model", 7), "model: input should be a valid string"),
        (array(f"{SAE}/W_enc", "shape", value=[2**40, 16]), "cannot be read: "),
    ],
)
def test_weights_that_lie(
    store: Path, plant: Callable[[Path], None], said: str
) -> None:
    plant(store)
    with pytest.raises(BisaeError) as caught:
        bisae.open(store).weights(CELL)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_split_that_claims_endless_documents(store: Path) -> None:
    for name, width in (("token_id", [15]), ("language", []), ("length", [])):
        array(f"bisae.zarr/corpus/eval/{name}", "shape", value=[2**40, *width])(store)
    with pytest.raises(StoreError, match=r"chunk c/1/0 .* it is missing"):
        list(open_store(store).documents("eval"))
    assert refusal(store, ["verify"]).startswith("Error: wrong: ")


@pytest.mark.parametrize(
    ("name", "value"), [("context", 9), ("languages", ["ja", "en"])]
)
def test_a_corpus_of_another_study(store: Path, name: str, value: Any) -> None:
    attribute("bisae.zarr/corpus", name, value)(store)
    with pytest.raises(StoreError, match=f"it says {name} = "):
        open_store(store).corpus_attributes()


def write(store: Path, name: str, value: int) -> None:
    """Put a value into an array, its chunks as they should be."""
    array = zarr.open_array(str(store / name), mode="r+")
    array[0] = value


def test_a_language_that_there_is_not(store: Path) -> None:
    write(store, "bisae.zarr/corpus/eval/language", 2)
    with pytest.raises(Damaged, match="has an unknown language"):
        next(open_store(store).documents("eval"))


def test_a_number_of_a_feature_that_there_is_not(store: Path) -> None:
    write(store, f"{CODES}/feature", 48)
    assert "a number stands for feature 48 of 48" in refusal(store, SQL)


def test_a_chunk_that_unpacks_to_more_than_it_can_hold(store: Path) -> None:
    chunk = store / f"{SAE}/W_enc/c/0/0"
    chunk.write_bytes(Zstd(checksum=True).encode(np.zeros(2**20, np.float32)))
    said = "its bytes unpack to 4194304 bytes, not 3,072; "
    with pytest.raises(Damaged, match=rf"W_enc, chunk c/0/0 .*: {said}"):
        bisae.open(store).weights(CELL)


def test_codes_that_unpack_to_more_than_they_can_be(store: Path) -> None:
    for name in ("index", "value"):
        for keys in (
            ["shape"],
            ["chunk_grid", "configuration", "chunk_shape"],
            [*SHARD, "chunk_shape"],
        ):
            array(f"{CODES}/{name}", *keys, value=[599, 3])(store)
    assert "its bytes do not unpack to 1,797 values" in refusal(store, SQL)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_791, 65_792, 10**6])
def test_the_size_of_a_frame(size: int) -> None:
    frame = Zstd().encode(np.random.default_rng(0).bytes(size))
    assert frame_size(frame) == size
    assert frame_size(frame[:3]) is None
    assert frame_size(b"no frame, but long enough") is None


def test_a_missing_attribute(store: Path) -> None:
    file = store / "bisae.zarr/corpus/zarr.json"
    edit(file, lambda document: document["attributes"].pop("vocab_size"))
    with pytest.raises(StoreError, match="vocab_size: field required"):
        open_store(store).corpus_attributes()


def test_sums_that_name_files_elsewhere(store: Path) -> None:
    sums = store / f"{CODES}.sha256"
    os.mkfifo(store / "pipe")
    sums.write_text(sums.read_text() + f"{'0' * 64}  codes/../../../../../../pipe\n")
    result = CliRunner().invoke(main, ["verify", str(store), *VERIFY[1:]])
    assert f"{CODES}.sha256" in result.output


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "null", '{"a": ' * 50_000])
def test_metadata_of_another_shape(store: Path, content: str) -> None:
    (store / f"{CODES}/zarr.json").write_text(content)
    assert "is damaged: it is not Zarr 3 metadata" in refusal(store, SQL)


# -- files that never end --------------------------------------------------------------


def endless(file: Path, kind: str) -> None:
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        with file.open("wb") as opened:
            opened.truncate(2**40)  # which takes no room


KINDS = ["pipe", "device", "folder", "large"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file", ["study.toml", "bisae.zarr/zarr.json"])
@pytest.mark.parametrize("command", [STATUS, CP], ids=lambda one: one[0])
def test_an_endless_file_instead_of_metadata(
    store: Path, command: list[str], file: str, kind: str
) -> None:
    endless(store / file, kind)
    line = refusal(store, command)
    assert f"{store / file}: it is " in line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "file",
    [f"{CODES}/zarr.json", f"{CODES}/index/zarr.json", f"{CODES}/feature/c/0"],
)
def test_an_endless_file_of_a_cell(store: Path, file: str, kind: str) -> None:
    endless(store / file, kind)
    assert refusal(store, SQL)
    assert refusal(store, VERIFY)


@pytest.mark.parametrize("kind", ["pipe", "device", "large"])
def test_an_endless_file_is_not_copied(store: Path, kind: str) -> None:
    endless(store / CODES / "more", kind)
    assert f"{CODES}/more: it is " in refusal(store, CP)


@pytest.mark.parametrize("kind", KINDS)
def test_an_endless_table(store: Path, kind: str) -> None:
    file = store / "tables/features/size=S/step=5/layer=1/rows.parquet"
    endless(file, kind)
    result = CliRunner().invoke(main, ["sql", str(store), "from features limit 1"])
    assert isinstance(result.exception, SystemExit | None)
    assert result.stderr  # of a cell that is not finished, or a damaged file


@pytest.mark.parametrize("kind", KINDS)
def test_an_endless_study_file(tmp_path: Path, kind: str) -> None:
    endless(tmp_path / "own.toml", kind)
    result = CliRunner().invoke(main, ["plan", str(tmp_path / "own.toml")])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / 'own.toml'}: it is ")


def test_small_files_are_read_to_their_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_small(file, 5) == b"12345"
    with pytest.raises(StoreError, match="it is larger than the 4 bytes"):
        read_small(file, 4)


# -- leases ----------------------------------------------------------------------------

LEASE = {
    "owner": "a",
    "host": "b",
    "machine": "c",
    "pid": 7,
    "heartbeat": 0.0,
    "given_back": False,
}


@pytest.mark.parametrize(
    "lie",
    [
        {"heartbeat": "now"},
        {"heartbeat": float("nan")},
        {"heartbeat": 1e300},
        {"pid": 10**30},
        {"pid": "7"},
        {"owner": ["a"]},
        {"owner": "\x1b[2J"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_lease_that_lies_is_none_for_ever(tmp_path: Path, lie: Any) -> None:
    file = tmp_path / "study.1.json"
    result = LEASE | {"heartbeat": time.time()} | lie
    file.write_text(json.dumps(result))
    os.utime(file, (0, 0))
    assert current_holder(any_path(tmp_path), "study") is None
    Lease(any_path(tmp_path), "study").give_back()


@pytest.mark.parametrize("kind", KINDS)
def test_an_endless_lease(store: Path, kind: str) -> None:
    (store / "leases/S").mkdir(parents=True, exist_ok=True)
    endless(store / "leases/S/5.9.json", kind)
    result = CliRunner().invoke(main, ["status", str(store)])
    assert result.exit_code == 0, result.output


# -- tables ----------------------------------------------------------------------------


def test_a_table_that_is_no_parquet_file(store: Path) -> None:
    file = store / "tables/features/size=S/step=5/layer=1/rows.parquet"
    file.write_bytes(b"PAR1" + b"\xff" * 100 + b"PAR1")
    line = refusal(store, ["sql", "from features"])
    assert "features/size=S/step=5/layer=1/rows.parquet" in line
    assert "rows.parquet" in refusal(store, VALIDATE)
