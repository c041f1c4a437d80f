"""Few-shot prompts for translation, and the text that a model writes after them.

One text per line, after its language's name; the model completes the last line:

    en: The cat sleeps.
    ja: 猫が眠る。
    en: The dog runs.
    ja:
"""

from collections.abc import Sequence
from typing import Any

from bisae.corpus import added_texts, bos_token_id, load_tokenizer, tokens_of
from bisae.errors import StudyError
from bisae.intervene.translation.pairs import Direction, Task
from bisae.lm import ModelShape
from bisae.study import Study


def prompt(direction: Direction, task: Task) -> str:
    """Return the text that a model continues with its translation."""
    source, target = direction
    examples = [f"{source}: {s}\n{target}: {r}\n" for s, r in task.shots]
    return "".join(examples) + f"{source}: {task.pair.source}\n{target}:"


class PromptTokenizer:
    """The study's tokenizer: encodes prompts, decodes translations."""

    def __init__(self, study: Study) -> None:
        self._tokenizer: Any = load_tokenizer(study)
        self._bos = bos_token_id(study, self._tokenizer)
        boundaries = {self._bos, self._tokenizer.eos_token_id} - {None}
        texts = added_texts(self._tokenizer)
        lines = {token_id for token_id, text in enumerate(texts) if "\n" in text}
        self._documents = boundaries
        self.ends = boundaries | lines
        """Tokens that end a translation: those that contain a line break, and those
        that open or close a document."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, after BOS."""
        return [[self._bos, *ids] for ids in tokens_of(self._tokenizer, list(texts))]

    def decode(self, written: Sequence[int]) -> str:
        """Return the first line of the written text."""
        token_ids = [
            token_id for token_id in written if token_id not in self._documents
        ]
        text: str = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        return text.partition("\n")[0].strip()


def check_lengths(
    prompts: Sequence[Sequence[int]], limit: int, shapes: Sequence[ModelShape]
) -> None:
    """Raise StudyError if a prompt and `limit` more tokens are too long for a model."""
    longest = max(map(len, prompts)) + limit
    room = min(
        (shape.max_tokens for shape in shapes if shape.max_tokens), default=longest
    )
    if longest > room:
        msg = "[intervention.translation] a prompt with its translation takes "
        msg += f"{longest} tokens, the model has positions for {room}; "
        msg += "lower shots or max_new_tokens"
        raise StudyError(msg)
