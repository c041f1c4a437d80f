"""Schemas of the attributes of finished parts.

A store may come from anybody: no attribute is used before it has been checked here.
Attributes that a schema does not name are allowed, as store/README.md says.
"""

from collections.abc import Mapping
from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bisae.store.layout import PAIRS, SPLITS, SUMS
from bisae.study import MOST_CODES, MOST_LAYERS, WIDEST, ControlKind

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(max_length=4096)]
Count = Annotated[int, Field(ge=0, le=2**62)]
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _is_true(complete: bool) -> bool:  # noqa: FBT001 - how pydantic passes it
    if not complete:
        msg = "it is neither true nor left out"
        raise ValueError(msg)
    return complete


class PartAttributes(BaseModel):
    """Attributes that every finished part has."""

    model_config = ConfigDict(strict=True, extra="allow")

    bisae_format_version: Literal[1, 2]
    complete: Annotated[bool, AfterValidator(_is_true)]
    sha256: dict[Text, Sha256]
    fingerprint: Sha256


class CorpusAttributes(PartAttributes):
    """The attributes of `corpus`."""

    bisae_format: Literal["corpus"]
    bisae_format_version: Literal[1]
    languages: Annotated[list[Text], Field(min_length=2, max_length=256)]
    context: Annotated[int, Field(ge=2, le=65_536)]
    bos_token_id: Count
    vocab_size: Size
    tokenizer_fingerprint: Text


class TrainAttributes(PartAttributes):
    """The attributes of a cell's `train`."""

    bisae_format: Literal["train"]
    bisae_format_version: Literal[1]


class AutoencoderAttributes(PartAttributes):
    """The attributes that a cell's `sae` has in every version."""

    bisae_format: Literal["sae"]
    n_features: Size
    k: Annotated[int, Field(ge=1, le=MOST_CODES)]
    d_model: Annotated[int, Field(ge=1, le=WIDEST)]
    n_layers: Annotated[int, Field(ge=1, le=MOST_LAYERS)] | None = None
    tokens_seen: Count
    model: Text
    revision: Text | None
    lm_fingerprint: Text
    tokenizer_fingerprint: Text
    corpus_fingerprint: Sha256
    commit_hash: Text | None = None
    licence: Text | None = None
    dtype: Text | None = None
    device: Text | None = None
    code_version: Text | None = None
    library_versions: Text | None = None


class TrainedAttributes(AutoencoderAttributes):
    """The attributes of an autoencoder that `bisae` trained."""

    bisae_format_version: Literal[1]
    architecture: Literal["topk", "relu"]
    lr: float
    seed: int
    start: Literal["random", "previous"]
    start_cosine: float | None = None
    steps: Count


class ControlAttributes(TrainedAttributes):
    """The attributes of the autoencoder of a control."""

    bisae_format_version: Literal[2]  # type: ignore[assignment]
    control: ControlKind
    control_of: Text
    """The size of the control's model."""


class ImportedAttributes(AutoencoderAttributes):
    """The attributes of an autoencoder that another project trained."""

    bisae_format_version: Literal[2]
    architecture: Literal["topk", "relu", "jumprelu"]
    top_k: Annotated[int, Field(ge=1, le=MOST_CODES)] | None
    """Features that a TopK autoencoder keeps per token, which `k` may be less than."""
    input: Literal["l2", "none", "scale", "layernorm"]
    input_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    sae_step: Count
    """The step of the model that the autoencoder was trained on."""
    sae_format: Text
    source: Text
    source_file: Text
    source_sha256: Sha256
    source_licence: Text | None
    conversions: Text

    @model_validator(mode="after")
    def _arrays(self) -> Self:
        is_jumprelu, is_topk = (
            self.architecture == name for name in ("jumprelu", "topk")
        )
        if ("threshold" in self.sha256) != is_jumprelu:
            msg = "jumprelu has a threshold, and nothing else has"
            raise ValueError(msg)
        if ("rank_scale" in self.sha256) > is_topk or (self.top_k is None) == is_topk:
            msg = "topk has a top_k and may have a rank_scale, and nothing else has"
            raise ValueError(msg)
        return self


class CodesAttributes(PartAttributes):
    """The attributes of a cell's `codes`."""

    bisae_format: Literal["codes"]
    bisae_format_version: Literal[1]
    sae_fingerprint: Sha256
    n_eval_tokens: Count
    mse: float
    variance: float
    fvu: float
    fvu_half_k: float | None = None
    fvu_quarter_k: float | None = None
    fvu_eighth_k: float | None = None
    cosine: float
    l0: float
    n_dead: Count
    cut_share: float
    ce: float | None = None
    ce_recon: float | None = None
    ce_zero: float | None = None


UNMEASURED: dict[str, None] = dict.fromkeys(
    name
    for schema in (ControlAttributes, ImportedAttributes, CodesAttributes)
    for name in (*schema.model_fields, "buffer_tokens")
    if name not in PartAttributes.model_fields
)
"""The attributes that `sae` and `codes` of some cells lack."""
COLUMNS = ("token_id", "language", "length")
CORPUS_ARRAYS = frozenset(f"{split}/{name}" for split in SPLITS for name in COLUMNS)
KEYED = CORPUS_ARRAYS | {"eval/pair"}
PAIR_ARRAYS = frozenset(f"{PAIRS}/{name}" for name in (*COLUMNS, "pair"))
CORPORA = [CORPUS_ARRAYS, KEYED, CORPUS_ARRAYS | PAIR_ARRAYS, KEYED | PAIR_ARRAYS]
WEIGHTS = frozenset({"W_enc", "W_dec", "b_pre"})
BIASED = [WEIGHTS, WEIGHTS | {"b_enc"}]
IMPORTED = [
    weights | extra
    for weights, extra in product(BIASED, (set[str](), {"threshold"}, {"rank_scale"}))
]
Format = tuple[type[PartAttributes], list[frozenset[str]]]
FORMATS: dict[str, dict[int, Format]] = {
    "corpus": {1: (CorpusAttributes, CORPORA)},
    "train": {1: (TrainAttributes, [frozenset({"loss"})])},
    "sae": {1: (TrainedAttributes, BIASED), 2: (ImportedAttributes, IMPORTED)},
    "codes": {1: (CodesAttributes, [frozenset({"feature", "index", "value"})])},
}
"""The schema of each part by version, and the sets of arrays that it may have."""
CONTROL: dict[int, Format] = {2: (ControlAttributes, BIASED)}
"""The same of the `sae` of a control."""


def is_imported(attributes: Mapping[str, Any]) -> bool:
    """Say if the attributes of a `sae` are those of an imported autoencoder."""
    return attributes["bisae_format_version"] == 2 and "control" not in attributes


def problem_of(part_name: str, attributes: dict[str, Any]) -> str:
    """Return what is wrong with a finished part's attributes, or ""."""
    is_control = part_name == "sae" and "control" in attributes
    versions = CONTROL if is_control else FORMATS[part_name]
    version: Any = attributes.get("bisae_format_version")
    known = type(version) is int and version in versions
    schema, arrays = versions[version if known else min(versions)]
    try:
        schema.model_validate(attributes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(key)[:80] for key in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        return f"{where}: {reason[0].lower()}{reason[1:]}"
    if set(attributes[SUMS]) not in arrays:
        names = ", ".join(sorted(attributes[SUMS]))[:200]
        return f"{SUMS} names {names or 'no array'}, not {', '.join(sorted(arrays[0]))}"
    return ""
