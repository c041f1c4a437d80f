"""The section [corpus] of a study file: the text, its windows and their splits."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bisae.study.section import LARGEST, Positive, Section, Seed, Share

RESERVED = frozenset({"mixed", "all", "none", "dead"})
MOST_LANGUAGES = 256
"""A document's language is a byte in the store."""
SPLITS = ("train", "valid", "eval", "heldout")


def _amount(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 1 <= value <= LARGEST and value == int(value):
        return int(value)
    if value != "all" and not (isinstance(value, float) and 0 < value < 1):
        msg = f'give a number of tokens, a share of the text or "all", not {value!r}'
        raise ValueError(msg)
    return value


Amount = Annotated[int | float | Literal["all"], BeforeValidator(_amount)]


class Source(Section):
    """A source of text: files, or a data set of the hub."""

    files: tuple[str, ...] = ()
    """JSON Lines, Parquet or plain text, also gzipped; `*` stands for any name."""
    document: Literal["line", "file"] = "line"
    """The unit that makes a document of a .txt file."""
    dataset: str | None = None
    """A data set's name on the hub, instead of `files`."""
    dataset_config: str | None = None
    dataset_split: str = "train"
    field: str = "text"
    """The field that holds the document; a dot leads into nested ones."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Tokens it gives, relative to the other sources of its language."""

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return self.dataset or ", ".join(self.files)

    @model_validator(mode="after")
    def _files_or_dataset(self) -> Self:
        if bool(self.files) == bool(self.dataset):
            msg = "give either files or dataset"
            raise ValueError(msg)
        return self


class Text(Source):
    """The documents of one language from one source."""

    language: Annotated[str, Field(min_length=1)]


class Corpus(Section):
    """Token windows and how they are split."""

    text: tuple[Text, ...]
    tokenizer: str | None = None
    """A path or hub name; by default that of the first model's last checkpoint."""
    tokenizer_revision: str | None = None
    bos: str | None = None
    """The token that opens a window, where the tokenizer has neither BOS nor EOS."""
    context: Annotated[int, Field(ge=2, le=65_536)] = 64
    """Tokens of a window, its BOS included."""
    short: Literal["skip", "keep"] = "skip"
    join: bool = False
    """Join consecutive documents of a source until they fill a window."""
    key: str | None = None
    """A field whose equal values must stay in one split, as translations do."""
    train_tokens: Amount = 100_000_000
    """Numbers of tokens, or shares of the text; "all" is what the others leave."""
    valid_share: Share = 0.01
    """Validation tokens, as a share of `train_tokens`."""
    eval_tokens: Amount = 10_000_000
    heldout_tokens: Amount = 1_000_000
    shuffle_windows: Positive = 65_536
    """Windows in the buffer that mixes a language's documents."""
    seed: Seed = 0

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language once, in the study's order."""
        return tuple(dict.fromkeys(text.language for text in self.text))

    def sources(self, language: str) -> list[Text]:
        """List a language's sources."""
        return [text for text in self.text if text.language == language]

    @property
    def asks_for_shares(self) -> bool:
        """True if the splits are shares of the text instead of numbers of tokens."""
        return not isinstance(self.train_tokens, int)

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens of each split, all languages together, if given as numbers."""
        train, evaluation, heldout = map(int, self._amounts)
        valid = max(1, round(self.valid_share * train))
        sizes = train, valid, evaluation, heldout
        return dict(zip(SPLITS, sizes, strict=True))

    @property
    def split_sizes(self) -> dict[str, float]:
        """The relative sizes of the splits."""
        if not self.asks_for_shares:
            return dict(self.tokens)
        rest = 1 - sum(amount for amount in self._amounts if amount != "all")
        train, evaluation, heldout = (
            rest if amount == "all" else amount for amount in self._amounts
        )
        train /= 1 + self.valid_share  # the validation tokens are taken from it
        sizes = train, train * self.valid_share, evaluation, heldout
        return dict(zip(SPLITS, sizes, strict=True))

    @property
    def _amounts(self) -> tuple[Any, Any, Any]:
        return self.train_tokens, self.eval_tokens, self.heldout_tokens

    @model_validator(mode="after")
    def _amounts_add_up(self) -> Self:
        numbers = [isinstance(amount, int) for amount in self._amounts]
        shares = [amount for amount in self._amounts if isinstance(amount, float)]
        remainder = 1 - sum(shares)
        fits = remainder > 0 if len(shares) == 2 else abs(remainder) < 1e-9
        if not all(numbers) and (any(numbers) or len(shares) < 2 or not fits):
            msg = "train_tokens, eval_tokens, heldout_tokens: give three numbers, or "
            msg += 'shares of the text, as in "all", 0.2 and 0.05: together they are 1'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _languages(self) -> Self:
        names = self.languages
        if len(names) < 2:
            msg = f"has one language ({', '.join(names)}); two or more are needed"
            raise ValueError(msg)
        if len(names) > MOST_LANGUAGES:
            msg = f"has {len(names)} languages; a store holds {MOST_LANGUAGES}"
            raise ValueError(msg)
        if taken := RESERVED & set(names):
            msg = f"{min(taken)!r} is a class or population, not a language name"
            raise ValueError(msg)
        return self
