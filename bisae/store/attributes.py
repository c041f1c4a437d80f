"""What the attributes of a finished part must be, by the part's format.

A store may come from anybody: nothing depends on an attribute before it was checked
here. What a schema does not name may be there as well, as store/README.md has it.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bisae.store.layout import SPLITS, SUMS
from bisae.study import MOST_CODES, WIDEST

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(max_length=4096)]
Count = Annotated[int, Field(ge=0, le=2**62)]
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _is_true(complete: bool) -> bool:  # noqa: FBT001 - pydantic passes it so
    if not complete:
        msg = "it is neither true nor left out"
        raise ValueError(msg)
    return complete


class Part(BaseModel):
    """What every finished part carries."""

    model_config = ConfigDict(strict=True, extra="allow")

    bisae_format_version: Literal[1]
    complete: Annotated[bool, AfterValidator(_is_true)]
    sha256: dict[Text, Sha256]
    fingerprint: Sha256


class Corpus(Part):
    """The attributes of `corpus`."""

    bisae_format: Literal["corpus"]
    languages: Annotated[list[Text], Field(min_length=2, max_length=256)]
    context: Annotated[int, Field(ge=2, le=65_536)]
    bos_token_id: Count
    vocab_size: Size
    tokenizer_fingerprint: Text


class Train(Part):
    """The attributes of a cell's `train`."""

    bisae_format: Literal["train"]


class Sae(Part):
    """The attributes of a cell's `sae`."""

    bisae_format: Literal["sae"]
    architecture: Literal["topk", "relu"]
    n_features: Size
    k: Annotated[int, Field(ge=1, le=MOST_CODES)]
    d_model: Annotated[int, Field(ge=1, le=WIDEST)]
    lr: float
    seed: int
    start: Literal["random", "previous"]
    steps: Count
    tokens_seen: Count
    model: Text
    revision: Text | None
    lm_fingerprint: Text
    tokenizer_fingerprint: Text
    corpus_fingerprint: Sha256


class Codes(Part):
    """The attributes of a cell's `codes`."""

    bisae_format: Literal["codes"]
    sae_fingerprint: Sha256
    n_eval_tokens: Count
    mse: float
    variance: float
    fvu: float
    cosine: float
    l0: float
    n_dead: Count
    cut_share: float
    ce: float | None = None
    ce_recon: float | None = None
    ce_zero: float | None = None


COLUMNS = ("token_id", "language", "length")
CORPUS_ARRAYS = frozenset(f"{split}/{name}" for split in SPLITS for name in COLUMNS)
FORMATS: dict[str, tuple[type[Part], list[frozenset[str]]]] = {
    "corpus": (Corpus, [CORPUS_ARRAYS]),
    "train": (Train, [frozenset({"loss"})]),
    "sae": (Sae, [w := frozenset({"W_enc", "W_dec", "b_pre"}), w | {"b_enc"}]),
    "codes": (Codes, [frozenset({"feature", "index", "value"})]),
}
"""Of each part its schema, and the sets of arrays that it may have."""


def problem_of(part: str, attributes: dict[str, Any]) -> str:
    """Say what is wrong with a finished part's attributes; "" if nothing is."""
    schema, arrays = FORMATS[part]
    try:
        schema.model_validate(attributes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one)[:80] for one in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        return f"{where}: {reason[0].lower()}{reason[1:]}"
    if set(attributes[SUMS]) not in arrays:
        named = ", ".join(sorted(attributes[SUMS]))[:200]
        return f"{SUMS} names {named or 'no array'}, not {', '.join(sorted(arrays[0]))}"
    return ""
