"""Whatever is not as it was written is found, and named; what is whole is not."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.grid import Cell, Selection
from bisae.store import Array, Store, open_store, table_file, table_names
from bisae.store.layout import SUMS
from bisae.store.nodes import read_group
from bisae.store.part import PartWriter
from bisae.store.staging import discard
from bisae.store.verify import check, verify
from bisae.study import Study

CELL = Cell("S", 40, 1)
ALL = Selection()
Change = Callable[[dict[str, Array]], None]


def run(store: Store, *options: str) -> Result:
    return CliRunner().invoke(main, ["verify", str(store.path), *options])


def found(store: Store) -> set[str]:
    """Where things are wrong."""
    return {finding.where for finding in verify(store, ALL).findings}


def test_a_whole_store_has_nothing_wrong(tiny: Store) -> None:
    looked = verify(tiny, ALL)
    assert looked.findings == []
    assert looked.parts == 1 + 3 * len(tiny.cells)
    assert looked.unfinished == 0
    tables = [*tiny.tables.rglob("*.parquet"), *tiny.tables.rglob("*.npy")]
    assert looked.tables == len(tables) > 90
    result = run(tiny)
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.match(
        r"nothing is wrong; 46 parts and \d+ files of tables", result.stderr
    )


def test_only_some_cells_are_looked_at(copy: Store) -> None:
    flip(Path(str(copy.folder(CELL))) / "sae/W_dec/c/0/0", 100, 3)
    result = run(copy, "--only", "size=M")
    assert result.exit_code == 0
    assert run(copy, "--only", "size=S").exit_code == 1


def test_what_is_unfinished_is_counted_and_not_wrong(copy: Store) -> None:
    file = copy.folder(CELL) / "codes" / "zarr.json"
    result = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
    file.write_text(json.dumps(result))
    looked = verify(copy, ALL)
    assert looked.unfinished == 1
    # Its tables claim codes that are not there any more, but for those older than them.
    tables = {finding.where.split("/")[1] for finding in looked.findings}
    assert tables == {*table_names("cell", "export"), "code_checks"}


# -- bytes -----------------------------------------------------------------------------


def flip(file: Path, byte: int, bit: int) -> None:
    whole = bytearray(file.read_bytes())
    whole[byte] ^= 1 << bit
    file.write_bytes(bytes(whole))


def verified_files(store: Store) -> list[Path]:
    """Every file that is verified: all but leases and the report."""
    home = Path(str(store.path))
    files = [p for p in sorted(home.rglob("*")) if p.is_file()]
    return [p for p in files if p.relative_to(home).parts[0] not in SKIPPED]


SKIPPED = ("leases", "reports")


def check_flips(store: Store, flips: int, seed: int) -> None:
    """Flip one bit after another; each is reported, by its file or its chunk."""
    draw = random.Random(seed)
    files, home = verified_files(store), Path(str(store.path))
    for _ in range(flips):
        file = draw.choice(files)
        whole = file.read_bytes()
        byte, bit = draw.randrange(len(whole)), draw.randrange(8)
        flip(file, byte, bit)
        result = run(store)
        file.write_bytes(whole)
        name = str(file.relative_to(home))
        context = (name, byte, bit, result.output)
        if "/c/" in name and result.exit_code == 0:
            continue  # all that is read has the sums it had: that bit says nothing
        assert result.exit_code == 1, context
        assert isinstance(result.exception, SystemExit), context
        assert named(name) in result.output.replace("\n", ""), context


def named(file: str) -> str:
    """How a report must name a file: sums by what they are of, chunks by their key."""
    if file.endswith(".sha256"):
        return file.rpartition("/")[2]
    array, is_chunk, chunk = file.partition("/c/")
    return f"{array}, chunk c/{chunk}" if is_chunk else file


def test_flipped_bits_are_found(small_study: Study) -> None:
    check_flips(open_store(small_study.store), 12, seed=0)


@pytest.mark.slow
def test_two_hundred_flipped_bits_are_found(small_study: Study) -> None:
    check_flips(open_store(small_study.store), 200, seed=1)


@pytest.mark.parametrize(
    "lost",
    ["sae/W_enc/c/0/0", "codes/value/c/0/0", "codes/feature/c/0", "train/loss/c/0"],
)
def test_a_lost_chunk_is_named(copy: Store, lost: str) -> None:
    (copy.folder(CELL) / lost).unlink()
    array, _, chunk = lost.partition("/c/")
    (result,) = check(copy, f"cells/{CELL}/{lost.partition('/')[0]}")
    where = f"bisae.zarr/cells/{CELL}/{array}, chunk c/{chunk} (rows 0 to "
    assert result.where.startswith(where)
    assert result.what == "it is missing"


@pytest.mark.parametrize("lost", ["sae/zarr.json", "sae/W_enc/zarr.json", "sae.sha256"])
def test_lost_metadata_is_named(copy: Store, lost: str) -> None:
    (copy.folder(CELL) / lost).unlink()
    assert any(where.endswith(lost) for where in found(copy))


def test_a_lost_sum_of_a_table_is_named(copy: Store) -> None:
    file = table_file(copy, "features", CELL)
    file.with_name("rows.parquet.sha256").unlink()
    (result,) = verify(copy, ALL).findings
    assert result.where == f"tables/features/{CELL.partition}/rows.parquet"
    assert result.what.startswith(
        "has no rows.parquet.sha256 next to it; remove it, and"
    )


# -- values ----------------------------------------------------------------------------


def rewrite(store: Store, path: str, change: Change, **attributes: Any) -> None:
    """Write a part again, every sum right, with other values or attributes."""
    result = read_group(store.zarr / path) or {}
    arrays = {name: store.array(f"{path}/{name}")[:] for name in result[SUMS]}
    change(arrays)
    discard(store.zarr / path)
    section = PartWriter(store.zarr / path, result | attributes)
    for name, values in arrays.items():
        section.write(name, values)
    section.finish({})


def nothing(_: dict[str, Array]) -> None:
    """Leave the arrays as they are."""


def put(name: str, place: Any, value: Any) -> Change:
    def change(arrays: dict[str, Array]) -> None:
        arrays[name][place] = value

    return change


def swap(arrays: dict[str, Array]) -> None:
    arrays["value"][3] = arrays["value"][3][::-1]


def repeat(arrays: dict[str, Array]) -> None:
    arrays["index"][3, 1] = arrays["index"][3, 0]


def cut(arrays: dict[str, Array]) -> None:
    arrays["index"] = arrays["index"][:-1]
    arrays["value"] = arrays["value"][:-1]


def drop(arrays: dict[str, Array]) -> None:
    del arrays["b_pre"]


def scale(arrays: dict[str, Array]) -> None:
    arrays["W_dec"][7] *= 1.01


WRONG: list[tuple[str, Change, str]] = [
    ("codes", put("index", (3, 0), 256), "an index is not below 256"),
    ("codes", repeat, "an index appears twice in a row"),
    ("codes", swap, "values do not fall along a row"),
    ("codes", put("value", (3, 0), np.inf), "a value is negative or not finite"),
    ("codes", put("value", (3, 3), -1), "a value is negative or not finite"),
    ("codes", put("value", (3, slice(None)), 0), "an unused slot has an index"),
    ("codes", put("feature", 5, 6), "a feature has no number, or more than one"),
    ("codes", cut, r"has shape \(\d+, 4\), not \(\d+, 4\)"),
    ("sae", scale, "a direction's norm is not 1"),
    ("sae", put("W_enc", (1, 2), np.nan), "a weight is not finite"),
    ("sae", put("b_pre", 2, np.inf), "a weight is not finite"),
    ("sae", drop, "cannot be checked: .*sha256 names W_dec, W_enc, not W_dec.*"),
    ("train", put("loss", 0, np.nan), "a loss is not finite"),
]


@pytest.mark.parametrize(("part", "change", "what"), WRONG)
def test_values_that_the_format_forbids(
    copy: Store, part: str, change: Change, what: str
) -> None:
    path = f"cells/{CELL}/{part}"
    rewrite(copy, path, change)
    wrong = check(copy, path)
    assert wrong
    for item in wrong:
        assert item.where.startswith(f"bisae.zarr/{path}")
        assert re.fullmatch(what, item.what), item


def test_the_rows_of_a_wrong_code_are_named(copy: Store) -> None:
    rewrite(copy, f"cells/{CELL}/codes", repeat)
    (result,) = check(copy, f"cells/{CELL}/codes")
    assert re.search(r"/codes/index, value, rows 0 to [\d,]+$", result.where)


def test_codes_beyond_a_document_are_found(copy: Store) -> None:
    """The tiny corpus has no short document: one is made shorter."""

    def shorten(arrays: dict[str, Array]) -> None:
        arrays["eval/length"][2] = 5
        arrays["eval/token_id"][2, 5:] = -1

    rewrite(copy, "corpus", shorten)
    assert check(copy, "corpus") == []
    (result,) = check(copy, f"cells/{CELL}/codes")
    assert result.what == "a row beyond its document's end has codes"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (put("eval/length", 2, 5), "a length is not the number of tokens"),
        (put("train/token_id", (0, 3), -1), "a length is not the number of tokens"),
        (put("valid/language", 0, 2), "a document has an unknown language"),
    ],
)
def test_a_corpus_that_the_format_forbids(
    copy: Store, change: Change, what: str
) -> None:
    rewrite(copy, "corpus", change)
    (result,) = check(copy, "corpus")
    assert result.what == what


# -- what belongs together -------------------------------------------------------------


def test_codes_of_other_weights(copy: Store) -> None:
    rewrite(copy, f"cells/{CELL}/sae", put("b_pre", 0, 0.5))
    (result,) = check(copy, f"cells/{CELL}/codes")
    assert result.what.startswith("says sae_fingerprint = ")


def test_tables_of_other_codes(copy: Store) -> None:
    rewrite(copy, f"cells/{CELL}/codes", put("value", (3, 0), 60_000))
    wrong = verify(copy, ALL).findings
    assert {item.what.partition(";")[0] for item in wrong} == {
        "was made from other codes"
    }
    assert all(f"/{CELL.partition}/" in item.where for item in wrong)
    tables = {item.where.split("/")[1] for item in wrong}
    assert tables == {*table_names("cell", "export"), "code_checks"}


@pytest.mark.parametrize(
    ("table", "command"), [("features", "export"), ("lr_search", "lr-search")]
)
def test_who_makes_a_table_again(copy: Store, table: str, command: str) -> None:
    cell = copy.study.models[0].middle_cell
    file = table_file(copy, table, cell)
    file.write_bytes(file.read_bytes()[:-1])
    (result,) = verify(copy, ALL).findings
    assert result.what.endswith(f"remove it, and `bisae {command}` makes it again")


def test_a_store_that_two_studies_wrote(copy: Store) -> None:
    """A cell of another corpus, put there by hand."""
    rewrite(copy, f"cells/{CELL}/sae", nothing, corpus_fingerprint=64 * "f")
    (result,) = verify(copy, ALL).findings
    assert result.where == f"bisae.zarr/cells/{CELL}/sae/zarr.json"
    assert result.what.startswith(f"says corpus_fingerprint = {64 * 'f'}, not ")


def test_layers_of_two_models_in_one_checkpoint(copy: Store) -> None:
    second = CELL._replace(layer=2)
    rewrite(copy, f"cells/{second}/sae", nothing, lm_fingerprint="of another")
    (result,) = verify(copy, ALL).findings
    assert result.where == f"bisae.zarr/cells/{second}/sae"
    assert result.what == f"is from another language model than {CELL}"


def test_a_study_that_was_edited(copy: Store) -> None:
    file = copy.path / "study.toml"
    file.write_text(file.read_text().replace("min_firings = 20", "min_firings = 2"))
    assert found(open_store(copy.path)) == {"study.toml"}
