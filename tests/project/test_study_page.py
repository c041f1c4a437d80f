"""docs/study.py over the tiny study: every number against plain pandas.

Without the last step, whose features are all of one language.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoModelForCausalLM

from bisae.grid import parse_selection
from bisae.pipeline.intervene import intervene
from bisae.query import connect
from bisae.store import Store, open_store
from bisae.store.opening import STUDY
from bisae.study import Study, dump_study
from bisae.tables.compare import compare_findings
from bisae.tables.lineage import export_lineage
from support.interventions import with_intervention
from support.removal import remove_cells
from support.store_copy import copy_store
from support.study_page import NUMBER, assert_printed, generator, tables

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def study(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The tiny study, with its intervention and its features followed."""
    folder = tmp_path_factory.mktemp("page")
    copy_store(tiny, folder / "store")
    remove_cells(folder / "store", "step=40")
    update = {"store": str(folder / "store")}
    copied = tiny.study.model_copy(update=update).with_written_paths({})
    settings = {"classes": ("en", "ja", "mixed"), "mid_step": 0, "full_step": 5}
    copied = with_intervention(
        copied, folder / "work", m="all", alpha=(0.1,), **settings
    )
    export_lineage(open_store(copied.store), parse_selection("size=M,layer=1"))
    intervene(copied)
    return copied


@pytest.fixture(scope="module")
def public(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of one checkpoint, as of a public model: the study's M/5."""
    folder = tmp_path_factory.mktemp("public") / "store"
    copy_store(open_store(study.store), folder)
    for others in ("size=S", "size=M,step=0"):
        remove_cells(folder, others)
    return open_store(folder)


@pytest.fixture(scope="module")
def seed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with another seed in its study file, and the same cells."""
    folder = tmp_path_factory.mktemp("seed") / "store"
    copy_store(open_store(study.store), folder)
    update = {"sae": study.sae.model_copy(update={"seed": 1}), "store": str(folder)}
    (folder / STUDY).write_text(dump_study(study.model_copy(update=update)))
    return open_store(folder)


@pytest.fixture(scope="module")
def page(
    study: Study, seed: Store, public: Store, tmp_path_factory: pytest.TempPathFactory
) -> str:
    output = tmp_path_factory.mktemp("docs") / "study.md"
    generator().write(study, [seed], public, output)
    return output.read_text("utf-8")


@pytest.fixture(scope="module")
def frames(study: Study) -> Iterator[Frames]:
    """Whole tables and views, as pandas reads them."""
    names = (
        *("cells", "features", "tokens", "timings", "trends", "findings", "settings"),
        *("finding_settings", "alignment_findings", "coherence_findings", "origins"),
        *("lexicon_translations", "steering_findings", "activation_examples"),
        *("retrieval_overall", "token_languages"),
    )
    with closing(connect(open_store(study.store))) as con:
        yield {name: con.execute(f"from {name}").df() for name in names}


def middle(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the middle layers: layer 1 of both sizes."""
    return frame[frame.layer == 1]


def test_text_and_models(page: str, study: Study, frames: Frames) -> None:
    tokens = frames["tokens"]
    assert f"{tokens.document.nunique()} windows of up to 31 tokens" in page
    by_language = tokens.groupby("language").document.agg(["nunique", "size"])
    text, _ = tables(page, "Data")
    assert_printed(text, by_language.reset_index())

    shapes, perplexity = [], {}
    for size in ("S", "M"):
        folder = Path(study.model(size).checkpoint_at(5)[0])
        model = AutoModelForCausalLM.from_pretrained(folder)
        width, layers = model.config.hidden_size, model.config.num_hidden_layers
        shapes.append((size, model.num_parameters(), width, layers, 2, 5 * 256))
        for step in (0, 5, 40):
            sums_by = (folder.parent / str(step) / "perplexity.json").read_text()
            for language, sums in json.loads(sums_by).items():
                mean = sums["nll"] / sums["n_tokens"]
                perplexity[step, f"{size} {language}"] = math.exp(mean)
    shown, by_step = tables(page, "Models")
    assert_printed(shown, pd.DataFrame(shapes))
    columns = sorted({name for _, name in perplexity})
    rows = [[s, *(perplexity[s, name] for name in columns)] for s in (0, 5, 40)]
    assert_printed(by_step, pd.DataFrame(rows))


def test_what_was_run(page: str, frames: Frames) -> None:
    cells = frames["cells"].merge(frames["timings"], on=["size", "step", "layer"])
    rows = []
    for size in ("S", "M"):
        of = cells[cells["size"] == size]
        means = of.fvu.mean(), (of.n_dead / of.n_features).mean()
        rows.append([size, len(of), 256, 4, *means, of.train_seconds.sum() / 60])
    (printed,) = tables(page, "What was run")
    assert_printed(printed, pd.DataFrame(rows))
    for version in cells.code_version.unique():
        assert version in page


def test_trends(page: str, frames: Frames) -> None:
    alive = middle(frames["features"])
    rows = []
    for size, step in product(("S", "M"), (0, 5)):
        of = alive[(alive["size"] == size) & (alive.step == step)]
        share = (of.language == "mixed").mean()
        exclusive = of.language_exclusive.dropna()
        where = f"size == '{size}' and step == {step}"
        trend = middle(frames["trends"]).query(where + " and population == 'alive'")
        rows.append(
            [
                *(size, step, len(of), share, *wilson(share, len(of))),
                *(trend.mixed_share_null.item(), of.mixed_by_tokens.mean()),
                *((exclusive == "mixed").mean(), of.monosemanticity.mean()),
                trend.monosemanticity_null.item(),
                middle(frames["cells"]).query(where).fvu.item(),
            ]
        )
    printed = tables(page, "Do the paper's findings hold?")[0]
    assert_printed(printed, pd.DataFrame(rows))


def wilson(share: float, n: int) -> tuple[float, float]:
    z = 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n)
    half *= math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


TABLES = {
    ("Data", 1): (
        "token_languages",
        "language token_language n_tokens n_occurrences share",
    ),
    ("Do the paper's findings hold?", 1): (
        "findings",
        "finding comparison of_size estimate low high p_family verdict untrained "
        "at_same_fvu at_same_firings shown_by",
    ),
    ("Do the paper's findings hold?", 2): (
        "finding_settings",
        "finding comparison of_size n_same_sign n_settings settings_against",
    ),
    ("Is it meaning?", 0): (
        "alignment_findings",
        "comparison of_size n_pairs estimate low high p_family verdict untrained",
    ),
    ("Is it meaning?", 1): (
        "coherence_findings",
        "comparison of_size n_features coherence coherence_null estimate low high "
        "p_family verdict untrained",
    ),
    ("Is it meaning?", 2): (
        "lexicon_translations",
        "size step layer population n_features same_topic same_topic_low "
        "same_topic_high same_topic_chance same_concept same_concept_low "
        "same_concept_high same_concept_chance",
    ),
    ("Where do mixed features come from?", 0): (
        "origins",
        "size layer step last_class origin n_features share share_low share_high "
        "share_null share_chance share_seeds",
    ),
    ("Do mixed features help a half-trained model?", 0): (
        "steering_findings",
        "comparison language alpha n_added n_added_reference n_draws estimate low high "
        "p_family verdict",
    ),
}


@pytest.mark.parametrize("shown", TABLES, ids=lambda shown: TABLES[shown][0])
def test_rows_are_those_of_their_view(
    shown: tuple[str, int], page: str, frames: Frames
) -> None:
    """The views have tests of their own; these are that no row or column is wrong."""
    view, names = TABLES[shown]
    frame = frames[view]
    if "measure" in frame:
        frame = frame[frame.measure == "mixed_share"]
    if view == "lexicon_translations":
        frame = middle(frame).query("step == 5")
    if view == "origins":
        frame = frame[frame.step == 0]
    frame = frame[names.split()]
    key = [str(name) for name in frame if frame[name].dtype != float]
    section, number = shown
    assert_printed(tables(page, section)[number], frame.sort_values(key))


PUBLIC_TABLES = {
    0: ("cells", "layer fvu dead_share ce ce_recovered"),
    1: (
        "trends",
        "layer n_features mixed_share mixed_share_low mixed_share_high "
        "mixed_share_null mixed_share_by_tokens mixed_share_exclusive "
        "monosemanticity monosemanticity_null mean_span",
    ),
    2: (
        "retrieval_overall",
        "layer source p_at_1 p_at_1_low p_at_1_high chance_p_at_1",
    ),
    3: (
        "lexicon_translations",
        "layer population n_features same_topic same_topic_low same_topic_high "
        "same_topic_chance same_concept same_concept_low same_concept_high "
        "same_concept_chance",
    ),
}


@pytest.mark.parametrize("number", PUBLIC_TABLES)
def test_tables_of_the_public_model(number: int, page: str, frames: Frames) -> None:
    view, names = PUBLIC_TABLES[number]
    frame = frames[view].query("size == 'M' and step == 5")
    frame = frame.assign(dead_share=frame.get("n_dead", 0) / frame.get("n_features", 1))
    if view == "trends":
        frame = frame.query("population == 'alive'")
    order = ["layer", *({"source", "population"} & {*names.split()})]
    frame = frame.sort_values(order)[names.split()]
    assert_printed(tables(page, "A public model")[number], frame)


def test_findings_over_seeds(page: str, study: Study, seed: Store) -> None:
    """The same cells under two seeds: the mean is the estimate of either."""
    findings = compare_findings([open_store(study.store), seed])
    frame = pd.DataFrame(findings.records()).query("measure == 'mixed_share'")
    names = "finding comparison of_size n_seeds estimate low high p_family verdict"
    expected = frame[frame.n_seeds == 2][names.split()]
    order = ["finding", "comparison", "of_size"]
    printed = tables(page, "Do the paper's findings hold?")[-1]
    assert_printed(printed, expected.sort_values(order))
    with closing(connect(open_store(study.store))) as con:
        query = "from findings where measure = 'mixed_share'"
        of_one = con.execute(query).df()[[*order, "estimate"]]
    both = expected.merge(of_one, on=order, suffixes=("", "_of_one"))
    assert len(both) == len(expected)
    assert both.estimate.tolist() == pytest.approx(both.estimate_of_one.tolist())


def test_ten_features(page: str, frames: Frames, study: Study) -> None:
    features = frames["features"].query("size == 'M' and step == 5 and layer == 1")
    mixed = features[features.supported & (features.language == "mixed")]
    seed = study.features.null_seed
    order = [hashlib.md5(f"{seed}:{n}".encode()).hexdigest() for n in mixed.feature]
    chosen = mixed.assign(order=order).sort_values("order").head(10)
    text = page.split("## Ten features in context")[1].split("## Do mixed")[0]
    entries = re.findall(
        rf"^\d+\. Feature (\d+) of M/5/1: (\d+) firings in (\d+) windows, "
        rf"monosemanticity ({NUMBER})\n((?:    - .*\n)+)",
        text,
        re.MULTILINE,
    )
    names = ["feature", "n_firings", "n_documents", "monosemanticity"]
    assert_printed([list(entry[:4]) for entry in entries], chosen[names])
    strongest = frames["activation_examples"].sort_values("rank")
    for entry in entries:
        of = strongest[
            (strongest["size"] == "M")
            & (strongest.step == 5)
            & (strongest.layer == 1)
            & (strongest.feature == int(entry[0]))
        ].drop_duplicates("language")
        lines = entry[4].splitlines()
        assert [line[6:8] for line in lines] == sorted(of.language)
        for line, token in zip(lines, of.sort_values("language").token, strict=True):
            assert f"**[**{shown_text(token)}**]**" in line


def shown_text(token: str) -> str:
    return token.replace("\n", " / ").replace("|", "\\|").replace("<", "&lt;")


def test_what_was_not_run_is_said(tiny: Store, tmp_path: Path) -> None:
    generator().write(tiny.study, [], None, tmp_path / "study.md")
    page = (tmp_path / "study.md").read_text("utf-8")
    assert "run `bisae lineage`" in page
    assert "run `bisae intervene`" in page
