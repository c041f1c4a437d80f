"""Bad input gives one clear line and its status, and leaves what is finished alone."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from bisae.cli import main
from bisae.errors import BisaeError, SqlError
from bisae.query import connect, create_views, read_view, rows_of
from bisae.store import Store, open_store
from bisae.study import Model, Study, dump_study

Change = Callable[[Study], Study]


@pytest.fixture
def copy(tiny: Store, tmp_path: Path) -> Study:
    """The tiny study over a copy of its store."""
    shutil.copytree(str(tiny.place), tmp_path / "store")
    return tiny.study.model_copy(update={"store": str(tmp_path / "store")})


def fail(study: Study, *command: str, status: int = 1) -> str:
    """Run a command that must fail and touch nothing finished; its one line."""
    store = Path(study.store)
    path = store.parent / "study.toml"
    path.write_text(dump_study(study))
    before = finished(store)
    told = CliRunner().invoke(main, [*command, str(path)])
    assert told.exit_code == status, told.output
    assert told.stdout == ""
    line = told.stderr
    assert line.startswith("Error: ")
    assert line.count("\n") == 1
    after = finished(store)
    assert {file: after.get(file) for file in before} == before
    return line


def finished(store: Path) -> dict[str, str]:
    """Digests of all cells' files and tables."""
    files = [*store.rglob("cells/**/*"), *store.rglob("tables/**/*.parquet")]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


def with_model(study: Study, **changes: Any) -> Study:
    """The study with its first model changed."""
    first = Model.model_validate(study.models[0].model_dump() | changes)
    return study.model_copy(update={"models": (first, *study.models[1:])})


def with_step(study: Study, step: int, change: Callable[[Path], None]) -> Study:
    """The study with one more checkpoint of its first model, made by `change`."""
    model = study.models[0]
    source = Path(model.checkpoint_at(model.steps[-1])[0])
    target = Path(model.checkpoint_at(step)[0])
    if not target.exists():
        shutil.copytree(source, target)
        change(target)
    return with_model(study, steps=(*model.steps, step))


def test_a_missing_checkpoint(copy: Study) -> None:
    line = fail(with_model(copy, steps=(0, 5, 40, 999)), "build")
    assert "no checkpoint folder" in line
    assert "S/999" in line


def test_an_unknown_layer(copy: Study) -> None:
    line = fail(with_model(copy, layers=(1, 9)), "build", status=2)
    assert "S has no layer 9" in line
    assert "has 0 to 2" in line


def test_a_checkpoint_of_another_width(copy: Study) -> None:
    def widen(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["hidden_size"] = 64
        (folder / "config.json").write_text(json.dumps(config))

    line = fail(with_step(copy, 46, widen), "train")
    assert "S/46" in line


def test_a_checkpoint_that_is_whole_and_of_another_width(copy: Study) -> None:
    model = copy.models[0]
    config = transformers.AutoConfig.from_pretrained(model.checkpoint_at(40)[0])
    config.hidden_size = 64
    auto: Any = transformers.AutoModelForCausalLM
    auto.from_config(config).save_pretrained(model.checkpoint_at(39)[0])
    line = fail(with_model(copy, steps=(0, 5, 39, 40)), "train")
    assert "39 has d_model 64, the study says 32" in line


def test_states_that_are_not_finite(copy: Study) -> None:
    def spoil(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        weights["model.layers.1.mlp.down_proj.weight"][0, 0] = torch.nan
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    line = fail(with_step(copy, 41, spoil), "build")
    assert "cell S/41/2, train document 0" in line
    assert "zero or not finite" in line


def test_a_tokenizer_larger_than_the_model(copy: Study) -> None:
    def shrink(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        name = "model.embed_tokens.weight"
        save_file(
            weights | {name: weights[name][:300].clone()},
            folder / "model.safetensors",
            {"format": "pt"},
        )
        config = json.loads((folder / "config.json").read_text())
        config["vocab_size"] = 300
        (folder / "config.json").write_text(json.dumps(config))

    line = fail(with_step(copy, 42, shrink), "build")
    assert "embeds 300 tokens, the tokenizer has 700: they do not belong" in line
    assert "set [corpus] tokenizer" in line
    assert "S/42" in line


def test_a_gpu_that_is_not_there(copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    study = with_step(copy, 43, lambda _: None)
    lm = study.lm.model_copy(update={"device": "cuda"})
    line = fail(study.model_copy(update={"lm": lm}), "train")
    assert "device 'cuda'" in line


def test_a_batch_larger_than_the_corpus(copy: Study) -> None:
    sae = copy.sae.model_copy(update={"batch_tokens": 20_001})
    line = fail(copy.model_copy(update={"sae": sae}), "build", status=2)
    assert "[sae] batch_tokens = 20,001 is more than [corpus] train_tokens = " in line
    assert "20,000; lower it" in line


def test_another_study_in_the_same_place(copy: Study) -> None:
    sae = copy.sae.model_copy(update={"k": 5})
    line = fail(copy.model_copy(update={"sae": sae}), "build")
    assert "holds another study: [sae] k" in line


def test_a_selection_that_is_not_there(copy: Study) -> None:
    line = fail(copy, "build", "--only", "step=41", status=2)
    assert "no step 41 in this study: the nearest is 40" in line


def test_embeddings_of_a_size_that_is_not_there(copy: Study) -> None:
    semantic = copy.semantic.model_copy(update={"size": "XL"})
    line = fail(copy.model_copy(update={"semantic": semantic}), "export", status=2)
    assert "[semantic] size = 'XL'" in line


def ask(store: Path, *query: str) -> tuple[int, str]:
    told = CliRunner().invoke(main, ["sql", str(store), *query])
    assert told.stdout == ""
    return told.exit_code, told.stderr


def test_sql_over_an_unfinished_cell(copy: Study) -> None:
    codes = Path(copy.store) / "bisae.zarr/cells/S/40/1/codes/zarr.json"
    known = json.loads(codes.read_text())
    del known["attributes"]["complete"]
    codes.write_text(json.dumps(known))
    status, line = ask(Path(copy.store), "from codes", "--codes", "S/40/1")
    assert status == 1
    assert "codes of cell S/40/1 is not finished" in line


def test_sql_over_a_missing_cell(copy: Study) -> None:
    status, line = ask(Path(copy.store), "from codes", "--codes", "S/41/1")
    assert status == 2
    assert "no cell S/41/1" in line
    status, line = ask(Path(copy.store), "from codes", "--codes", "S/x/1")
    assert status == 2
    assert "step 'x' is not a number" in line


def test_sql_says_how_many_cells_are_missing(copy: Study) -> None:
    shutil.rmtree(Path(copy.store) / "tables/features/size=S/step=40")
    told = CliRunner().invoke(main, ["sql", copy.store, "select 1 as one"])
    assert told.exit_code == 0
    assert told.stderr == "2 cells are not finished: their rows are missing\n"


def test_sql_before_anything_is_finished(copy: Study) -> None:
    shutil.rmtree(Path(copy.store) / "tables")
    status, line = ask(Path(copy.store), "from features")
    assert status == 1
    assert "no cell is finished yet" in line


def test_a_sql_error_names_its_line(copy: Study) -> None:
    status, line = ask(Path(copy.store), "select\n  langage\nfrom features")
    assert status == 2
    assert "(line 2: langage)" in line
    assert '"language"' in line
    status, line = ask(Path(copy.store), "select * from featurs")
    assert status == 2
    assert '"features"' in line


def test_no_store(tmp_path: Path) -> None:
    status, line = ask(tmp_path / "nowhere", "select 1")
    assert status == 1
    assert "no store at" in line


def test_sql_over_damaged_codes(copy: Study) -> None:
    chunk = Path(copy.store) / "bisae.zarr/cells/S/40/1/codes/value/c/0/0"
    whole = bytearray(chunk.read_bytes())
    whole[50] ^= 1
    chunk.write_bytes(bytes(whole))
    query = "select count(*) from codes"
    status, line = ask(Path(copy.store), query, "--codes", "S/40/1")
    assert status == 2
    assert "cells/S/40/1/codes/value, chunk c/0/0 (rows 0 to " in line
    assert line.endswith("remove it with `bisae rm`, build again.\n")


def firings(copy: Study) -> Path:
    return Path(copy.store) / "tables/firings/size=S/step=40/layer=1/rows.parquet"


def scrambled(whole: bytes) -> bytes:
    half = len(whole) // 2
    return whole[:4] + bytes(half) + whole[4 + half :]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda whole: whole[:-20], "{}"),
        (lambda whole: b"", "{}"),
        (lambda whole: b"x", "{}"),
        (scrambled, "a table's file"),  # all that DuckDB's reader says of it
    ],
)
def test_sql_over_a_damaged_table(
    copy: Study, spoil: Callable[[bytes], bytes], where: str
) -> None:
    file = firings(copy)
    file.write_bytes(spoil(file.read_bytes()))
    query = "select feature, max(value), sum(token_row) from firings group by 1"
    status, line = ask(Path(copy.store), query)
    assert status == 1
    assert line.startswith(f"Error: {where.format(file)} cannot be read: ")
    assert "; `bisae verify` tells what is damaged; remove it, and `bisae ex" in line
    assert line.count("\n") == 1


def test_sql_over_a_table_that_is_gone(copy: Study) -> None:
    """After it was listed: another process removes a cell while a query runs."""
    with closing(connect(open_store(copy.store), fenced=True)) as con:
        firings(copy).unlink()
        with pytest.raises(BisaeError, match=r"layer=1/rows\.parquet") as raised:
            rows_of(con, "select sum(value) from firings")
    assert "\n" not in str(raised.value)


def test_a_view_that_fails_names_its_file_and_line(copy: Study, tmp_path: Path) -> None:
    file = tmp_path / "lost.sql"
    file.write_text("-- Title: x\n-- Grain: y\nselect\n    langage\nfrom features\n")
    views = {"lost": read_view(file)}
    with (
        closing(connect(open_store(copy.store))) as con,
        pytest.raises(SqlError) as raised,
    ):
        create_views(con, views, {"features"})
    assert str(raised.value).startswith(f"{file}: Binder Error: ")
    assert str(raised.value).endswith("(line 4: langage)")


def test_a_syntax_error_names_its_line(copy: Study, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("-- Which?\nselect language\nfrm features as f\ngroup by 1\n")
    status, line = ask(Path(copy.store), "-f", str(file))
    assert status == 2
    assert 'syntax error at or near "' in line
    assert "(line 3: frm features as f)" in line


@pytest.mark.parametrize("name", ["nowhere.sql", "."])
def test_a_query_file_that_cannot_be_read(
    copy: Study, tmp_path: Path, name: str
) -> None:
    status, line = ask(Path(copy.store), "-f", str(tmp_path / name))
    assert status == 2
    assert line.startswith(f"Error: cannot read the query in {tmp_path / name}: ")
    assert line.count("\n") == 1


def test_ways_of_asking_that_exclude_each_other(copy: Study, tmp_path: Path) -> None:
    for more, said in {
        ("select 1", "-f", "x.sql"): "give a query or --file, not both",
        ("select 1", "--format", "parquet"): "--format parquet needs --output FILE",
    }.items():
        assert ask(Path(copy.store), *more) == (2, f"Error: {said}\n")
