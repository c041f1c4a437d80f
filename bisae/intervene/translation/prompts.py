"""Prompts that ask for a translation by showing some, and what is written after them.

One text a line, its language's name before it; the last line is left to the model:

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
    """The text that a model continues with its translation."""
    source, target = direction
    shown = [f"{source}: {s}\n{target}: {r}\n" for s, r in task.shots]
    return "".join(shown) + f"{source}: {task.pair.source}\n{target}:"


class Tokens:
    """The study's tokenizer: prompts as tokens, and tokens as translations."""

    def __init__(self, study: Study) -> None:
        self._tokenizer: Any = load_tokenizer(study)
        self._bos = bos_token_id(study, self._tokenizer)
        named = {self._bos, self._tokenizer.eos_token_id} - {None}
        texts = added_texts(self._tokenizer)
        lines = {token_id for token_id, text in enumerate(texts) if "\n" in text}
        self._documents = named
        self.ends = named | lines
        """Tokens that end a translation: a line break is in them, or they open or close
        a document."""

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, after BOS."""
        return [[self._bos, *ids] for ids in tokens_of(self._tokenizer, list(texts))]

    def text(self, written: Sequence[int]) -> str:
        """What was written, up to the end of its first line."""
        kept = [one for one in written if one not in self._documents]
        text: str = self._tokenizer.decode(kept, skip_special_tokens=True)
        return text.partition("\n")[0].strip()


def check_lengths(
    prompts: Sequence[Sequence[int]], limit: int, shapes: Sequence[ModelShape]
) -> None:
    """Raise StudyError if a prompt and `limit` tokens more are too long for a model."""
    longest = max(map(len, prompts)) + limit
    room = min((one.max_tokens for one in shapes if one.max_tokens), default=longest)
    if longest > room:
        msg = "[intervention.translation] a prompt with its translation takes "
        msg += f"{longest} tokens, the model has positions for {room}; "
        msg += "lower shots or max_new_tokens"
        raise StudyError(msg)
