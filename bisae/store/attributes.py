"""Schemas of the attributes of finished parts.

A store may come from anybody: no attribute is used before it has been checked here.
Attributes that a schema does not name are allowed, as store/README.md says.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bisae.store.layout import PAIRS, SPLITS, SUMS
from bisae.study import MOST_CODES, MOST_LAYERS, WIDEST

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

    bisae_format_version: Literal[1]
    complete: Annotated[bool, AfterValidator(_is_true)]
    sha256: dict[Text, Sha256]
    fingerprint: Sha256


class CorpusAttributes(PartAttributes):
    """The attributes of `corpus`."""

    bisae_format: Literal["corpus"]
    languages: Annotated[list[Text], Field(min_length=2, max_length=256)]
    context: Annotated[int, Field(ge=2, le=65_536)]
    bos_token_id: Count
    vocab_size: Size
    tokenizer_fingerprint: Text


class TrainAttributes(PartAttributes):
    """The attributes of a cell's `train`."""

    bisae_format: Literal["train"]


class SaeAttributes(PartAttributes):
    """The attributes of a cell's `sae`."""

    bisae_format: Literal["sae"]
    architecture: Literal["topk", "relu"]
    n_features: Size
    k: Annotated[int, Field(ge=1, le=MOST_CODES)]
    d_model: Annotated[int, Field(ge=1, le=WIDEST)]
    n_layers: Annotated[int, Field(ge=1, le=MOST_LAYERS)] | None = None
    lr: float
    seed: int
    start: Literal["random", "previous"]
    start_cosine: float | None = None
    steps: Count
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


class CodesAttributes(PartAttributes):
    """The attributes of a cell's `codes`."""

    bisae_format: Literal["codes"]
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


UNMEASURED: dict[str, None] = {
    name: None
    for schema in (SaeAttributes, CodesAttributes)
    for name, field in schema.model_fields.items()
    if not field.is_required()
}
"""The attributes that `sae` and `codes` may lack."""
COLUMNS = ("token_id", "language", "length")
CORPUS_ARRAYS = frozenset(f"{split}/{name}" for split in SPLITS for name in COLUMNS)
KEYED = CORPUS_ARRAYS | {"eval/pair"}
PAIR_ARRAYS = frozenset(f"{PAIRS}/{name}" for name in (*COLUMNS, "pair"))
CORPORA = [CORPUS_ARRAYS, KEYED, CORPUS_ARRAYS | PAIR_ARRAYS, KEYED | PAIR_ARRAYS]
WEIGHTS = frozenset({"W_enc", "W_dec", "b_pre"})
FORMATS: dict[str, tuple[type[PartAttributes], list[frozenset[str]]]] = {
    "corpus": (CorpusAttributes, CORPORA),
    "train": (TrainAttributes, [frozenset({"loss"})]),
    "sae": (SaeAttributes, [WEIGHTS, WEIGHTS | {"b_enc"}]),
    "codes": (CodesAttributes, [frozenset({"feature", "index", "value"})]),
}
"""The schema of each part, and the sets of arrays that it may have."""


def problem_of(part_name: str, attributes: dict[str, Any]) -> str:
    """Return what is wrong with a finished part's attributes, or ""."""
    schema, arrays = FORMATS[part_name]
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
