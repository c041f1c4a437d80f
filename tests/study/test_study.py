"""Study files: defaults, paths, the round trip, and one line for everything wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bisae.assets import asset_dir
from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study import Model, Study, dump_study, load_study
from support.study_files import EN, JA, MODEL, SHAPE, WITHOUT_TOKENS, load

EXAMPLES = sorted(asset_dir("examples").glob("*.toml"))


def refused(folder: Path, said: str, **sections: Any) -> None:
    """Loading says exactly this, in one line that begins with the file."""
    line = f"{folder / 'study.toml'}: {said}"
    with pytest.raises(StudyError, match=f"^{re.escape(line)}$"):
        load(folder, **sections)


# -- what a study is ------------------------------------------------------------------


def test_defaults_are_the_papers(tmp_path: Path) -> None:
    study = load(tmp_path)
    sae, corpus, features = study.sae, study.corpus, study.features
    assert (sae.n_features, sae.k, sae.encoder_bias) == (32_768, 32, False)
    assert (sae.batch_tokens, sae.warmup_steps) == (32_768, 500)
    assert (sae.adam_beta1, sae.adam_beta2, sae.adam_eps) == (0.9, 0.999, 6.25e-10)
    assert (corpus.context, corpus.short, corpus.join) == (64, "skip", False)
    assert corpus.tokens == {
        "train": 100_000_000,
        "valid": 1_000_000,
        "eval": 10_000_000,
        "heldout": 1_000_000,
    }
    assert (features.firing_threshold, features.class_threshold) == (0.7, 0.9)
    assert (features.min_firings, features.min_documents) == (20, 10)
    assert features.semantic_threshold == 0.1


def test_a_study_cannot_be_changed(tmp_path: Path) -> None:
    study = load(tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        study.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        study.sae.k = 1  # type: ignore[misc]


def test_languages_stand_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    more = EN | {"files": ["more.txt"]}
    study = load(tmp_path, corpus={"text": [JA, EN, more]})
    assert study.corpus.languages == ("ja", "en")


def test_cells_are_in_grid_order(tmp_path: Path) -> None:
    two = MODEL | {"size": "2M", "steps": [5], "layers": [0, 3]}
    study = load(tmp_path, models=[MODEL | {"layers": "1-2"}, two])
    names = " ".join(map(str, study.cells))
    assert names == "1M/0/1 1M/0/2 1M/10/1 1M/10/2 2M/5/0 2M/5/3"
    assert study.cells[-1] == Cell("2M", 5, 3)


def test_a_range_of_layers_holds_both_ends() -> None:
    model = Model.model_validate(MODEL | {"layers": "1-12"})
    assert model.layers == tuple(range(1, 13))


def test_tokens_seen(tmp_path: Path) -> None:
    assert Model.model_validate(MODEL).tokens_at(10) == 640
    listed = {key: value for key, value in MODEL.items() if key != "tokens_per_step"}
    model = Model.model_validate(listed | {"tokens_seen": [0, 999]})
    assert (model.tokens_at(0), model.tokens_at(10)) == (0, 999)


def test_a_checkpoint_is_named_by_size_and_step() -> None:
    assert Model.model_validate(MODEL).checkpoint_at(10) == ("./lm/1M/10", None)
    hub = MODEL | {"checkpoint": "org/lm-{size}", "revision": "global_step{step}"}
    location = Model.model_validate(hub).checkpoint_at(10)
    assert location == ("org/lm-1M", "global_step10")


@pytest.mark.parametrize(
    ("checkpoint", "revision", "wanted"),
    [
        ("lm/{size}/{step:06d}", None, ("lm/1M/000010", None)),
        ("org/lm-{size}", "{size}-{step}", ("org/lm-1M", "1M-10")),
        ("org/lm", "stage1-step{step}-{tokens}", ("org/lm", "stage1-step10-640")),
        ("org/lm", "ckpt_{step:03d}", ("org/lm", "ckpt_010")),
        ("org/lm", "{tokens:.1e}", ("org/lm", "6.4e+02")),
        ("${HOME}/{step}", None, ("${HOME}/10", None)),
    ],
)
def test_checkpoints_are_named_by_templates(
    checkpoint: str, revision: str | None, wanted: tuple[str, str | None]
) -> None:
    changed = {"checkpoint": checkpoint, "revision": revision}
    assert Model.model_validate(MODEL | changed).checkpoint_at(10) == wanted


def test_a_step_may_have_any_revision(tmp_path: Path) -> None:
    names = ["stage1-step0-tokens0B", "stage1-step10-tokens1B"]
    hub = MODEL | {"checkpoint": "allenai/OLMo-2-1124-7B", "revisions": names}
    study = load(tmp_path, models=[hub])
    actual = [study.models[0].checkpoint_at(step)[1] for step in (0, 10)]
    assert actual == names
    again = tomllib.loads(dump_study(study))["models"][0]
    assert again["revisions"] == names
    few = [hub | {"revisions": names[:1]}]
    refused(tmp_path, "models.0: revisions has 1 values for 2 steps", models=few)
    both = [hub | {"revision": "a{step}"}]
    refused(tmp_path, "models.0: give either revision or revisions", models=both)


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    attributes = "known are {step}, {size}, {tokens}"
    for key, text, field in [
        ("checkpoint", "./lm/{stp}/{step}", "{stp}"),
        ("revision", "{step}-{}", "{}"),
        ("revision", "{step.real}", "{step.real}"),
    ]:
        said = f"models: {text!r} has an unknown field {field}; {attributes}"
        refused(tmp_path, said, models=[MODEL | {key: text}])
    said = "models: 1M: ['./{step:q}', ''] cannot be filled in: Unknown format code 'q'"
    said += " for object of type 'int'"
    refused(tmp_path, said, models=[MODEL | {"checkpoint": "./{step:q}"}])


def test_one_checkpoint_for_two_steps_is_refused(tmp_path: Path) -> None:
    after = "; put {step} or {size} in checkpoint or revision"
    said = "models: 1M at step 0 and 1M at step 10 have the same checkpoint, "
    one_address: list[tuple[dict[str, Any], str]] = [
        ({"checkpoint": "org/lm"}, "org/lm"),
        ({"checkpoint": "org/lm", "revision": "main"}, "org/lm at revision main"),
        ({"checkpoint": "org/lm", "revisions": ["a", "a"]}, "org/lm at revision a"),
    ]
    for changed, where in one_address:
        refused(tmp_path, said + where + after, models=[MODEL | changed])
    two = [MODEL | {"size": size, "checkpoint": "./{step}"} for size in ("1M", "2M")]
    said = "models: 1M at step 0 and 2M at step 0 have the same checkpoint, ./0"
    refused(tmp_path, said + after, models=two)


def test_a_folder_beside_the_study_is_no_name_of_the_hub(tmp_path: Path) -> None:
    for name in ("tok/en", "tok/lm-1M"):
        (tmp_path / name).mkdir(parents=True)
    model = MODEL | {"checkpoint": "tok/lm-{size}", "steps": [1]}
    corpus = {"text": [EN, JA], "tokenizer": "tok/en"}
    study = load(tmp_path, corpus=corpus, models=[model])
    assert study.corpus.tokenizer == str(tmp_path / "tok/en")
    assert study.models[0].checkpoint == str(tmp_path / "tok/lm-{size}")
    assert load(tmp_path, corpus=corpus | {"tokenizer": "tok/ja"}).tokenizer() == (
        "tok/ja",
        None,
    )


def test_a_size_may_have_its_own_rate(tmp_path: Path) -> None:
    two = MODEL | {"size": "2M", "lr": 0.25}
    study = load(tmp_path, models=[MODEL, two], sae={"lr": 0.5})
    assert (study.lr("1M"), study.lr("2M")) == (0.5, 0.25)


def test_the_tokenizer_is_the_first_models_last(tmp_path: Path) -> None:
    two = MODEL | {"size": "2M"}
    study = load(tmp_path, models=[MODEL, two])
    assert study.tokenizer() == (str(tmp_path / "lm/1M/10"), None)
    labelled = {"text": [EN, JA], "tokenizer": "org/tok", "tokenizer_revision": "v1"}
    assert load(tmp_path, corpus=labelled).tokenizer() == ("org/tok", "v1")


def test_the_embeddings_are_the_last_models_last(tmp_path: Path) -> None:
    two = MODEL | {"size": "2M", "steps": [0, 77]}
    assert load(tmp_path, models=[MODEL, two]).embeddings() == ("2M", 77)
    labelled = {"size": "1M", "step": 0}
    study = load(tmp_path, models=[MODEL, two], semantic=labelled)
    assert study.embeddings() == ("1M", 0)


def test_the_states_are_the_last_models_last(tmp_path: Path) -> None:
    two = MODEL | {"size": "2M", "steps": [0, 77]}
    models = [MODEL, two]
    assert load(tmp_path, models=models).states_cell() is None
    study = load(tmp_path, models=models, semantic={"states": {"layer": 3}})
    assert study.states_cell() == Cell("2M", 77, 3)
    first = {"size": "1M", "step": 0, "layer": 3}
    study = load(tmp_path, models=models, semantic={"states": first})
    assert study.states_cell() == Cell("1M", 0, 3)


# -- paths ----------------------------------------------------------------------------


def test_a_linked_text_file_keeps_its_name(tmp_path: Path) -> None:
    """As in the cache of the hub, where the files themselves are named by digests."""
    (tmp_path / "blob").write_text("a")
    (tmp_path / "en.jsonl").symlink_to("blob")
    assert load(tmp_path).corpus.text[0].files == (f"{tmp_path}/en.jsonl",)


def test_paths_are_absolute_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir("/")
    text = [EN, JA | {"files": ["../ja.txt", "/data/ja.txt"]}]
    study = load(
        tmp_path / "a",
        corpus={"text": text, "tokenizer": "./tok"},
        lexicon={"file": "words.csv"},
        pretrain={"models": [SHAPE], "extra": [{"files": ["p.txt"]}]},
    )
    home = tmp_path / "a"
    assert study.store == f"{home}/store"
    assert study.corpus.tokenizer == f"{home}/tok"
    assert study.corpus.text[0].files == (f"{home}/en.jsonl",)
    assert study.corpus.text[1].files == (f"{tmp_path}/ja.txt", "/data/ja.txt")
    assert study.models[0].checkpoint == f"{home}/lm/{{size}}/{{step}}"
    assert study.lexicon is not None
    assert study.lexicon.file == f"{home}/words.csv"
    assert study.pretrain is not None
    assert study.pretrain.extra[0].files == (f"{home}/p.txt",)


@pytest.mark.parametrize("name", ["gpt2", "org/lm", "org/lm-{size}"])
def test_names_of_the_hub_are_left_alone(tmp_path: Path, name: str) -> None:
    hub = {"language": "en", "dataset": "org/text"}
    study = load(
        tmp_path,
        corpus={"text": [hub, JA], "tokenizer": name},
        models=[MODEL | {"checkpoint": name, "revision": "step{step}"}],
    )
    assert (study.models[0].checkpoint, study.corpus.tokenizer) == (name, name)
    assert study.corpus.text[0].dataset == "org/text"


def test_a_store_may_be_an_address(tmp_path: Path) -> None:
    assert load(tmp_path, store="s3://bucket/toy").store == "s3://bucket/toy"


def test_variables_of_the_environment_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BISAE_TEST", "/data")
    study = load(
        tmp_path,
        store="$BISAE_TEST/store",
        corpus={"text": [EN, JA | {"files": ["${BISAE_TEST}/ja.txt"]}]},
        models=[MODEL | {"checkpoint": "$BISAE_TEST/{step}"}],
    )
    assert study.store == "/data/store"
    assert study.corpus.text[1].files == ("/data/ja.txt",)
    assert study.models[0].checkpoint == "/data/{step}"


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    said = "$BISAE_NO/store: the environment variable BISAE_NO is not set; "
    said += "set it to a folder"
    with pytest.raises(StudyError, match=f"^{re.escape(said)}$"):
        load(tmp_path, store="$BISAE_NO/store")


def test_a_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert load(tmp_path, store="~/store").store == "/home/me/store"


# -- the round trip -------------------------------------------------------------------

layers = st.one_of(
    st.just("all"),
    st.sets(st.integers(0, 40), min_size=1).map(sorted),
    st.just("3-9"),
)
saes = st.fixed_dictionaries(
    {"n_features": st.integers(64, 10**6), "k": st.integers(1, 64)},
    optional={
        "lr": st.floats(1e-6, 1),
        "adam_eps": st.floats(1e-12, 1e-3),
        "encoder_bias": st.booleans(),
    },
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
thresholds = st.one_of(
    st.floats(-1, 1), st.sampled_from(["null:1e-4", "null:0.01", "null:2.5e-10"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, layers=layers, sae=saes, threshold=thresholds)
def test_a_study_written_out_is_read_back_equal(
    tmp_path: Path, name: str, layers: object, sae: dict[str, Any], threshold: object
) -> None:
    study = load(
        tmp_path,
        name=name,
        models=[MODEL | {"layers": layers}],
        sae=sae,
        features={"semantic_threshold": threshold},
    )
    elsewhere = tmp_path / "elsewhere" / "study.toml"
    elsewhere.parent.mkdir(exist_ok=True)
    elsewhere.write_text(dump_study(study), encoding="utf-8")
    assert load_study(elsewhere).model_dump() == study.model_dump()


def test_every_default_is_written_out(tmp_path: Path) -> None:
    written = tomllib.loads(dump_study(load(tmp_path)))
    for section in ("corpus", "sae", "lm", "features"):
        fields = Study.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
        optional = {"tokenizer", "tokenizer_revision", "bos", "key", "memory_gb"}
        optional |= {"trust_remote_code"}  # only the command says so
        optional |= {"negligible"}
        assert set(written[section]) == set(fields) - optional


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_load_and_survive_the_round_trip(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in re.findall(r"\$(\w+)", file.read_text("utf-8")):
        monkeypatch.setenv(variable, str(tmp_path))
    study = load_study(file)
    copy = tmp_path / "study.toml"
    copy.write_text(dump_study(study), encoding="utf-8")
    assert load_study(copy).model_dump() == study.model_dump()


def test_there_is_a_toy_example() -> None:
    assert "toy" in [file.stem for file in EXAMPLES]


# -- bad input ------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.toml"
    with pytest.raises(StudyError, match=f"^no study file {file}$"):
        load_study(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'name = "tiny', "Unterminated string"),
        (b"[sae]\nk = 1\nk = 2\n", "Cannot overwrite a value (at line 3, column 6)"),
        ('name = "é"'.encode("latin-1"), "'utf-8' codec can't decode byte 0xe9"),
    ],
)
def test_what_is_no_toml_says_where(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(content)
    with pytest.raises(StudyError, match=f"^{re.escape(f'{file}: {said}')}"):
        load_study(file)


def test_a_folder_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"^{tmp_path}: .*directory"):
        load_study(tmp_path)


@pytest.mark.parametrize(
    ("sections", "key", "near"),
    [
        ({"modles": []}, "modles", "models"),
        ({"sae": {"n_feature": 8}}, "sae.n_feature", "n_features"),
        ({"corpus": {"text": [EN, JA], "ctx": 8}}, "corpus.ctx", "context"),
        (
            {"corpus": {"text": [EN, JA | {"feild": "t"}]}},
            "corpus.text.1.feild",
            "field",
        ),
        ({"models": [MODEL | {"layer": [1]}]}, "models.0.layer", "layers"),
        (
            {"pretrain": {"models": [SHAPE | {"n_head": 2}]}},
            "pretrain.models.0.n_head",
            "n_heads",
        ),
        ({"lexicon": {"file": "w.csv", "fil": ""}}, "lexicon.fil", "file"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(
    tmp_path: Path, sections: dict[str, Any], key: str, near: str
) -> None:
    refused(
        tmp_path, f"unknown key {key!r}; the nearest known one is {near!r}", **sections
    )


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"corpus": {}}, "corpus.text"),
        (
            {"models": [{k: v for k, v in MODEL.items() if k != "size"}]},
            "models.0.size",
        ),
        ({"pretrain": {"lr": 0.1}}, "pretrain.models"),
        ({"corpus": {"text": [EN, {"files": ["a.txt"]}]}}, "corpus.text.1.language"),
    ],
)
def test_a_missing_key_is_named(
    tmp_path: Path, sections: dict[str, Any], key: str
) -> None:
    refused(tmp_path, f"{key} is missing", **sections)


def test_an_empty_file_misses_its_name(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("")
    with pytest.raises(StudyError, match=f"^{file}: name is missing$"):
        load_study(file)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"corpus": {"text": [EN, EN]}},
            "corpus: has one language (en); two or more are needed",
        ),
        (
            {"corpus": {"text": [EN, JA | {"dataset": "org/ja"}]}},
            "corpus.text.1: give either files or dataset",
        ),
        (
            {"corpus": {"text": [EN, {"language": "ja"}]}},
            "corpus.text.1: give either files or dataset",
        ),
        (
            {"sae": {"k": 9, "n_features": 8}},
            "sae: k = 9 is more than n_features = 8; lower k",
        ),
        (
            {"models": [WITHOUT_TOKENS]},
            "models.0: give either tokens_per_step or tokens_seen",
        ),
        (
            {"models": [MODEL | {"tokens_seen": [0, 640]}]},
            "models.0: give either tokens_per_step or tokens_seen",
        ),
        (
            {"models": [WITHOUT_TOKENS | {"tokens_seen": [640]}]},
            "models.0: tokens_seen has 1 values for 2 steps",
        ),
        (
            {"models": [WITHOUT_TOKENS | {"tokens_seen": []}]},
            "models.0: tokens_seen has 0 values for 2 steps",
        ),
        (
            {"semantic": {"size": "9M"}},
            "the study: [semantic] size = '9M' is none of the models' sizes",
        ),
        (
            {"semantic": {"states": {"size": "9M", "layer": 1}}},
            "the study: [semantic.states] size = '9M' is none of the models' sizes",
        ),
        (
            {"semantic": {"states": {"step": 7, "layer": 1}}},
            "the study: [semantic.states] names cell 1M/7/1, which is not in the grid",
        ),
        (
            {"pretrain": {"models": [SHAPE | {"n_heads": 3}]}},
            "pretrain.models.0: size 1M has d_model = 8 and n_heads = 3: a head needs "
            "an even number of dimensions; make d_model a multiple of 6",
        ),
        (
            {"pretrain": {"models": [SHAPE | {"n_heads": 8}]}},
            "pretrain.models.0: size 1M has d_model = 8 and n_heads = 8: a head needs "
            "an even number of dimensions; make d_model a multiple of 16",
        ),
        (
            {"pretrain": {"models": [SHAPE, SHAPE]}},
            "pretrain: size = '1M' appears twice in [[pretrain.models]]",
        ),
        (
            {"pretrain": {"models": [SHAPE]}, "models": [MODEL | {"n_layers": 2}]},
            "the study: size 1M has n_layers = 2 in [[models]] and 1 in "
            "[[pretrain.models]]",
        ),
        (
            {"pretrain": {"models": [SHAPE]}, "models": [MODEL | {"d_model": 16}]},
            "the study: size 1M has d_model = 16 in [[models]] and 8 in "
            "[[pretrain.models]]",
        ),
        (
            {"pretrain": {"models": [SHAPE]}, "models": [MODEL | {"layers": [1, 2]}]},
            "the study: size 1M has no layer 2: its n_layers in [[pretrain.models]] "
            "is 1",
        ),
        (
            {"pretrain": {"models": [SHAPE | {"size": "9M"}]}},
            "the study: [pretrain] size = '9M' is none of the models' sizes",
        ),
    ],
)
def test_a_contradiction_is_named(
    tmp_path: Path, sections: dict[str, Any], said: str
) -> None:
    refused(tmp_path, said, **sections)


@pytest.mark.parametrize("name", ["mixed", "all", "none", "dead"])
def test_a_class_is_no_language(tmp_path: Path, name: str) -> None:
    said = f"corpus: {name!r} is a class or population, not a language name"
    refused(tmp_path, said, corpus={"text": [EN, JA | {"language": name}]})


def test_a_language_has_a_name(tmp_path: Path) -> None:
    said = "corpus.text.1.language: string should have at least 1 character"
    refused(tmp_path, said, corpus={"text": [EN, JA | {"language": ""}]})


@pytest.mark.parametrize("steps", [[10, 0], [1, 1], [0, 5, 3]])
def test_steps_rise(tmp_path: Path, steps: list[int]) -> None:
    said = "models.0: steps must be in ascending order without repetition"
    refused(tmp_path, said, models=[MODEL | {"steps": steps}])


def test_there_are_steps(tmp_path: Path) -> None:
    said = "models.0.steps: tuple should have at least 1 item after validation, not 0"
    refused(tmp_path, said, models=[MODEL | {"steps": []}])


@pytest.mark.parametrize("layers", [[2, 1], [1, 1]])
def test_layers_rise(tmp_path: Path, layers: list[int]) -> None:
    said = "models.0.layers: layers must be in ascending order without repetition"
    refused(tmp_path, said, models=[MODEL | {"layers": layers}])


@pytest.mark.parametrize("layers", ["", "every", "3-1", "1-", 3, [], [-1], ["1"]])
def test_layers_are_all_a_range_or_a_list(tmp_path: Path, layers: object) -> None:
    said = 'models.0.layers: give "all", a range such as "1-12", or a list of layers, '
    refused(tmp_path, f"{said}not {layers!r}", models=[MODEL | {"layers": layers}])


@pytest.mark.parametrize("size", ["", "1/M", ".M", "1 M", "../1M", "一M", "1M\n"])
def test_a_size_can_be_a_folder(tmp_path: Path, size: str) -> None:
    said = "models.0.size: string should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$'"
    refused(tmp_path, said, models=[MODEL | {"size": size}])


@pytest.mark.parametrize("size", ["1M", "1m"])
def test_a_size_stands_once_whatever_the_case(tmp_path: Path, size: str) -> None:
    said = "the study: models: a size appears twice (upper and lower case are the same)"
    refused(tmp_path, said, models=[MODEL, MODEL | {"size": size}])


@pytest.mark.parametrize(
    "threshold", ["null", "null:", "null:e", "null:0", "null:1", "null:5e-0", "0.1"]
)
def test_a_chance_threshold_is_a_share(tmp_path: Path, threshold: str) -> None:
    said = 'features.semantic_threshold: give a number, or a share as in "null:1e-4", '
    features = {"semantic_threshold": threshold}
    refused(tmp_path, f"{said}not {threshold!r}", features=features)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (0.0, "0.0"),
        (-1.0, "-1.0"),
    ],
)
def test_a_rate_is_finite_and_positive(tmp_path: Path, rate: float, said: str) -> None:
    said = f'sae.lr: give a rate above 0, or "search", not {said}'
    refused(tmp_path, said, sae={"lr": rate})
