"""Translate with the mid-training model while its states are steered.

Reads pairs and both models; writes the tables `translations` and `translation_scores`
of the mid model's cell.
"""

from collections.abc import Iterator, Mapping, Sequence

from bisae.intervene.translation.job import TranslationJob, TranslationSetting
from bisae.intervene.translation.prompts import PromptTokenizer, check_lengths
from bisae.intervene.translation.scores import Scorer
from bisae.intervene.translation.tables import is_translated, write_translations
from bisae.lm import LanguageModel, Lockstep, ModelShape, Steer, generate
from bisae.progress import bar


def translate(
    job: TranslationJob,
    mid: LanguageModel,
    full: LanguageModel,
    settings: Mapping[TranslationSetting, Steer | None],
) -> None:
    """Translate under every setting and write both tables, unless they are current.

    For the baseline, the setting without an `Add`, the mid model runs alone. The caller
    holds the lease on its checkpoint and has checked the prompts' lengths.
    """
    if is_translated(job, settings.keys()):
        return
    tokenizer, limit = PromptTokenizer(job.store.study), job.section.max_new_tokens
    prompts = {
        direction: tokenizer.encode(texts) for direction, texts in job.prompts.items()
    }
    requests = [(setting, direction) for setting in settings for direction in prompts]
    untranslated = [request for request in requests if job.load(*request) is None]
    n, n_left = (
        sum(len(prompts[direction]) for _, direction in group)
        for group in (requests, untranslated)
    )
    with bar(n, "translate", "texts", done=n - n_left) as progress:
        for setting, direction in untranslated:
            add, texts = settings[setting], [""] * len(prompts[direction])
            beside = Lockstep(full, job.mid.layer, add) if add else None
            for numbers in _batches(prompts[direction], job.section.batch_pairs):
                batch = [prompts[direction][number] for number in numbers]
                written = generate(mid, batch, limit, tokenizer.ends, beside)
                for number, row in zip(numbers, written, strict=True):
                    texts[number] = tokenizer.decode(row)
                progress.update(len(numbers))
            job.save(setting, direction, texts)
    scorer = Scorer(job.section.comet, gpu=mid.device.type == "cuda")
    write_translations(job, settings.keys(), scorer)


def check_prompts(job: TranslationJob, shapes: Sequence[ModelShape]) -> None:
    """Raise StudyError if a prompt with its translation is too long for a model."""
    tokenizer = PromptTokenizer(job.store.study)
    for texts in job.prompts.values():
        check_lengths(tokenizer.encode(texts), job.section.max_new_tokens, shapes)


def _batches(prompts: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Yield indices of prompts of similar length together, to pad little.

    The longest come first, since the trial of the KV cache uses these.
    """
    order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
    for first in range(0, len(order), size):
        yield order[first : first + size]
