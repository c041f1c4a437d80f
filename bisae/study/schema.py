"""The sections of a study file: every setting with its default and meaning."""

import re
from reprlib import repr as short
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    model_validator,
)

from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study.controls import Control, control_models
from bisae.study.corpus import Corpus
from bisae.study.intervention import Intervention
from bisae.study.model import Model
from bisae.study.pairs import Pairs
from bisae.study.pretrain import Pretrain, check_pretrain
from bisae.study.sae import Sae
from bisae.study.section import (
    Count,
    Layer,
    Positive,
    Section,
)

MOST_CELLS = 100_000
MOST_BYTES = 200
DEVICE = r"auto|cpu|(cuda|mps|xpu)(:\d{1,3})?"


def _device(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(DEVICE, value):
        msg = 'give auto, cpu, cuda, or one of several as in "cuda:1", not '
        raise ValueError(msg + short(value))
    return value


class Lm(Section):
    """Settings for running language models."""

    device: Annotated[str, BeforeValidator(_device)] = "auto"
    """auto, cpu, cuda or, of several, cuda:1 and so on."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_documents: Positive = 128
    trust_remote_code: Annotated[bool, Field(exclude=True)] = False
    """Allow this run to execute Python code of a checkpoint. Ignored in a file: only
    the option `--trust-remote-code` sets it, each time."""
    eval_ce_tokens: Count = 262_144
    """Evaluation tokens on which the reconstruction's cross-entropy is measured."""
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    """Device memory that may be used; by default what is free."""
    buffer: Literal["device", "host"] = "device"
    """Memory that buffers hidden states for training; `host` saves GPU memory."""
    keep_checkpoints: bool = True
    """Keep the weights of checkpoints of the hub in its cache. If false, at most two
    are there at once: the one that is built, and the next."""


def _threshold(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    share = re.fullmatch(r"null:(\d+(?:\.\d+)?(?:e-\d+)?)", value)
    if not share or not 0 < float(share[1]) < 1:
        msg = f'give a number, or a share as in "null:1e-4", not {short(value)}'
        raise ValueError(msg)
    return value


class Features(Section):
    """Thresholds of the analysis, available in SQL as the one-row table `settings`."""

    firing_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.7
    class_threshold: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    exclusive_threshold: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    min_exclusive_occurrences: Positive = 10
    """Times that a token must occur to be exclusive: a single one always is."""
    min_exclusive_firings: Positive = 10
    min_firings: Positive = 20
    min_documents: Positive = 10
    semantic_threshold: Annotated[float | str, BeforeValidator(_threshold)] = 0.1
    negligible: Annotated[float, Field(gt=0, lt=1)] | None = None
    """A difference of mixed shares below which the study counts it as none."""
    clustering: Literal["components", "greedy"] = "components"
    null_sets: Positive = 200
    """Random token sets drawn for each bin of `mono_null`."""
    null_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class TokenStates(Section):
    """The cell whose hidden states, averaged by token, measure similarity as well."""

    size: str | None = None
    step: Count | None = None
    layer: Layer


class Semantic(Section):
    """The checkpoint whose input embeddings measure the similarity of tokens."""

    size: str | None = None
    step: Count | None = None
    states: TokenStates | None = None


class LexiconFile(Section):
    """Words known to be translations of each other."""

    file: str
    """A CSV file with the columns concept, topic, and one for each language."""


class Validation(Section):
    """Checks that a user adds to those of bisae."""

    folder: str
    """Folder of checks: <check>.sql, and <table>.json for great-expectations suites."""


def _file_name(name: str) -> str:
    if len(name.encode()) > MOST_BYTES:
        msg = f"is longer than {MOST_BYTES} bytes, too long for the name of a folder"
        raise ValueError(msg)
    return name


class Study(Section):
    """Everything that a store is made from."""

    name: Annotated[str, AfterValidator(_file_name)]
    store: str = "store"
    work_dir: str = "work"
    """Folder of the training state from which an interrupted run resumes."""
    corpus: Corpus
    models: Annotated[tuple[Model, ...], Field(min_length=1)]
    controls: tuple[Control, ...] | None = None
    sae: Sae = Sae()
    lm: Lm = Lm()
    features: Features = Features()
    semantic: Semantic = Semantic()
    lexicon: LexiconFile | None = None
    pairs: Pairs | None = None
    pretrain: Pretrain | None = None
    intervention: Intervention | None = None
    validation: Validation | None = None
    _written: dict[str, str] = PrivateAttr(default_factory=dict)
    """The paths as written in the study file, by their absolute form."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        sizes = [model.size.lower() for model in self.grid]
        if len(set(sizes)) < len(sizes):
            msg = "models: a size appears twice (upper and lower case are the same)"
            raise ValueError(msg)
        n_cells = sum(len(model.steps) * len(model.layers) for model in self.grid)
        if n_cells > MOST_CELLS:
            msg = f"has {n_cells:,} cells, more than {MOST_CELLS:,}: divide it"
            raise ValueError(msg)
        if self.pretrain:
            check_pretrain(self.pretrain, self.models)
        self.embeddings()
        self.states_cell()
        return self

    @property
    def grid(self) -> tuple[Model, ...]:
        """The models and then their controls, which have sizes of their own."""
        return (*self.models, *control_models(self.models, self.controls or ()))

    @property
    def cells(self) -> list[Cell]:
        """The grid, in the order in which it is built. Needs explicit layers."""
        return [
            Cell(model.size, step, layer)
            for model in self.grid
            for step in model.steps
            for layer in model.layers
            if isinstance(layer, int)
        ]

    @property
    def imports(self) -> bool:
        """True if autoencoders of another project are in the grid."""
        return any(model.sae for model in self.models)

    @property
    def needs_newest_format(self) -> bool:
        """True if cells of the grid are not in version 1 of the store's format."""
        return self.imports or bool(self.controls)

    @property
    def trains(self) -> bool:
        """True if some autoencoders are trained, not imported."""
        return any(model.sae is None for model in self.models)

    def with_written_paths(self, written: dict[str, str]) -> "Study":
        """Return a copy of the study that remembers how its file writes its paths."""
        copied = self.model_copy()
        copied._written = written
        return copied

    def as_written(self, path: str) -> str:
        """Return a path as written in the study file, or unchanged if not in it."""
        return self._written.get(path, path)

    def model(self, size: str) -> Model:
        """Return the model of a size, or of its controls, which must exist."""
        return next(model for model in self.grid if model.size == size)

    def lr(self, size: str) -> float:
        """Return the learning rate of a size. Raises StudyError before the search."""
        lr = self.model(size).lr or self.sae.lr
        if lr == "search":
            msg = f"no learning rate for {size} yet; run `bisae lr-search`"
            raise StudyError(msg)
        return lr

    def tokenizer(self) -> tuple[str, str | None]:
        """Return the tokenizer's path or hub name, and its revision."""
        if self.corpus.tokenizer:
            return self.corpus.tokenizer, self.corpus.tokenizer_revision
        return self.models[0].checkpoint_at(self.models[0].steps[-1])

    def embeddings(self) -> tuple[str, int]:
        """Return size and step of the embeddings; default: last model, last step."""
        return self._checkpoint("[semantic]", self.semantic)

    def states_cell(self) -> Cell | None:
        """Return the cell of [semantic.states], if any; default: as for embeddings.

        It must be in the grid, since its states are averaged when it is encoded.
        """
        states = self.semantic.states
        if states is None:
            return None
        size, step = self._checkpoint("[semantic.states]", states)
        cell, model = Cell(size, step, states.layer), self.model(size)
        layers = model.layers
        if step not in model.steps or (layers != "all" and cell.layer not in layers):
            msg = f"[semantic.states] names cell {cell}, which is not in the grid"
            raise StudyError(msg)
        return cell

    def _checkpoint(
        self, section: str, named: Semantic | TokenStates
    ) -> tuple[str, int]:
        """Return the size and the step that a section names."""
        size = named.size or self.models[-1].size
        if size not in {model.size for model in self.models}:
            msg = f"{section} size = {size!r} is none of the models' sizes"
            raise StudyError(msg)
        return size, self.model(size).steps[-1] if named.step is None else named.step
