"""A very small study of real text; needs BISAE_DATA, the folder of the two files."""

import os
import tomllib
from pathlib import Path

import pytest
import tomli_w

from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.pretrain import pretrain
from bisae.query import connect
from bisae.study import load_study
from support import ROOT

EXAMPLE = ROOT / "examples" / "real-text.toml"
SMALLER = {
    "corpus": {"train_tokens": 20_000, "eval_tokens": 10_000, "heldout_tokens": 2_000},
    "sae": {"n_features": 256, "k": 8, "batch_tokens": 512, "warmup_steps": 5},
    "lm": {"device": "cpu", "eval_ce_tokens": 500},
    "pretrain": {"vocab_size": 1_000, "batch_windows": 8, "warmup_steps": 5},
}


def has_data() -> bool:
    folder = Path(os.environ.get("BISAE_DATA", "."))
    names = ("python-docs.en-ja.jsonl.gz", "tanaka.en-ja.jsonl.gz")
    return all((folder / name).exists() for name in names)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(
    not has_data(), reason="BISAE_DATA names no folder with the real text"
)
def test_a_small_study_of_real_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BISAE_HOME", str(tmp_path))
    raw = tomllib.loads(EXAMPLE.read_text("utf-8"))
    for section, changes in SMALLER.items():
        raw[section] |= changes
    raw["models"] = [raw["models"][0] | {"steps": [0, 30]}]
    raw["pretrain"]["models"] = raw["pretrain"]["models"][:1]
    (tmp_path / "study.toml").write_text(tomli_w.dumps(raw))
    study = load_study(tmp_path / "study.toml")
    pretrain(study)
    con = connect(build(study, Selection()))
    tokens = con.execute("select count(*) from tokens group by language").fetchall()
    assert tokens[0] == tokens[1]
    rows = con.execute(
        "select step, mixed_share, fvu from trends where population = 'alive'"
    ).fetchall()
    assert {step for step, _, _ in rows} == {0, 30}
    assert all(0 <= mixed <= 1 and 0 < fvu < 1 for _, mixed, fvu in rows)
