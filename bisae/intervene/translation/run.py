"""What the mid-training model translates while something is added to its states.

Reads pairs, and both models; writes the tables `translations` and `translation_scores`
of the mid model's cell.
"""

from collections.abc import Iterator, Mapping, Sequence

from bisae.intervene.translation.job import Job, Setting
from bisae.intervene.translation.prompts import Tokens, check_lengths
from bisae.intervene.translation.scores import Scorer
from bisae.intervene.translation.tables import is_translated, write_translations
from bisae.lm import LanguageModel, Lockstep, ModelShape, Steer, generate
from bisae.progress import bar


def translate(
    job: Job,
    mid: LanguageModel,
    full: LanguageModel,
    settings: Mapping[Setting, Steer | None],
) -> None:
    """Translate with every setting, and write both tables unless they are current.

    Of a setting without an `Steer`, the baseline, the mid model runs alone. The caller
    holds the lease on its checkpoint, and has checked the prompts' lengths.
    """
    if is_translated(job, settings.keys()):
        return
    tokens, limit = Tokens(job.store.study), job.asked.max_new_tokens
    prompts = {way: tokens.of(texts) for way, texts in job.prompts.items()}
    parts = [(setting, way) for setting in settings for way in prompts]
    left = [part for part in parts if job.kept(*part) is None]
    n, n_left = (sum(len(prompts[way]) for _, way in some) for some in (parts, left))
    with bar(n, "translate", "texts", done=n - n_left) as shown:
        for setting, way in left:
            add, texts = settings[setting], [""] * len(prompts[way])
            beside = Lockstep(full, job.mid.layer, add) if add else None
            for numbers in _batches(prompts[way], job.asked.batch_pairs):
                batch = [prompts[way][number] for number in numbers]
                written = generate(mid, batch, limit, tokens.ends, beside)
                for number, row in zip(numbers, written, strict=True):
                    texts[number] = tokens.text(row)
                shown.update(len(numbers))
            job.keep(setting, way, texts)
    scorer = Scorer(job.asked.comet, gpu=mid.device.type == "cuda")
    write_translations(job, settings.keys(), scorer)


def check_prompts(job: Job, shapes: Sequence[ModelShape]) -> None:
    """Raise StudyError if a prompt with its translation is too long for a model."""
    tokens = Tokens(job.store.study)
    for texts in job.prompts.values():
        check_lengths(tokens.of(texts), job.asked.max_new_tokens, shapes)


def _batches(prompts: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Numbers of prompts, those of like length together: little is padded.

    The longest come first: whether models may use a cache is tried with these.
    """
    order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
    for first in range(0, len(order), size):
        yield order[first : first + size]
