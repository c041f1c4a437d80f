"""Token numbers of each split and language, and whether the text is enough for them.

Reads the study's text to count its tokens; writes nothing.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bisae.corpus.splits import splitter
from bisae.corpus.windows import windows
from bisae.progress import bar
from bisae.store import SPLITS, Store
from bisae.study import Study

Amounts = dict[tuple[str, str], int]
"""Tokens by split and language."""

DIVIDE = (
    'divide what there is: train_tokens = "all", eval_tokens = 0.2, heldout_tokens = '
    "0.05"
)


def count_tokens(study: Study, tokenizer: Any) -> Amounts:
    """Count the text's tokens by split and language. Raises CorpusError.

    If the study gives numbers of tokens, counting stops once a language has enough.
    """
    split_of, counts = splitter(study), _zeros(study)
    target = None
    if not study.corpus.asks_for_shares:
        target = requested_tokens(study)
        study = _unshuffled(study)
    with bar(sum((target or {}).values()), "counting text", "tokens") as shown:
        for language in study.corpus.languages:
            for window in windows(study, language, tokenizer, split_of):
                counts[window.split, language] += len(window.token_id)
                shown.update(len(window.token_id))
                if target and not _shortages(target, counts)[language]:
                    break
    return counts


def requested_tokens(study: Study) -> Amounts:
    """Return the requested tokens in whole windows, the same for each language."""
    corpus, size = study.corpus, study.corpus.context - 1
    windows_each = {
        split: -(-tokens // (len(corpus.languages) * size))
        for split, tokens in corpus.tokens.items()
    }
    return {key: windows_each[key[0]] * size for key in _zeros(study)}


def shared_tokens(study: Study, counts: Amounts) -> Amounts:
    """Return the tokens of shares of the text, in windows that all languages have.

    At least one window each, even if the text has none.
    """
    languages, size = study.corpus.languages, study.corpus.context - 1
    least = {split: min(counts[split, name] for name in languages) for split in SPLITS}
    return {key: max(1, least[key[0]] // size) * size for key in counts}


def with_numbers(study: Study, counts: Amounts) -> Study:
    """Return the study with numbers of tokens instead of shares of the text."""
    if not study.corpus.asks_for_shares:
        return study
    tokens = Counter[str]()
    for (split, _), number in shared_tokens(study, counts).items():
        tokens[split] += number
    return _with_tokens(study, tokens)


def with_stored_numbers(store: Store) -> Study:
    """Return the store's study with its corpus's token numbers instead of shares."""
    if not store.study.corpus.asks_for_shares:
        return store.study
    lengths = {
        split: [int(block.length.sum()) for block in store.documents(split)]
        for split in SPLITS
    }
    return _with_tokens(store.study, {split: sum(n) for split, n in lengths.items()})


def misfits(study: Study, counts: Amounts) -> list[str]:
    """Return messages about what the text is too small for."""
    shares = study.corpus.asks_for_shares
    target = shared_tokens(study, counts) if shares else requested_tokens(study)
    train = sum(n for (split, _), n in target.items() if split == "train")
    batch = batch_misfit(study, train if shares else study.corpus.tokens["train"])
    return [message for message in (shortage(study, target, counts), batch) if message]


def batch_misfit(study: Study, train_tokens: int) -> str | None:
    """Return a message if a batch is larger than the training text."""
    if study.sae.batch_tokens <= train_tokens or not study.trains:
        return None
    return (
        f"[sae] batch_tokens = {study.sae.batch_tokens:,} is more than [corpus] "
        f"train_tokens = {train_tokens:,}; lower it"
    )


def shortage(study: Study, target: Amounts, counts: Amounts) -> str | None:
    """Return a message about the tokens that languages lack in each split, if any."""
    lacking = {name: few for name, few in _shortages(target, counts).items() if few}
    if not lacking:
        return None
    languages = "; ".join(
        f"{language} lacks "
        + ", ".join(f"{n:,} tokens of {split}" for split, n in few.items())
        for language, few in lacking.items()
    )
    splits = dict.fromkeys(split for few in lacking.values() for split in few)
    return (
        f"too little text: {languages}, {_usage(study)}; {_remedy(study, list(splits))}"
    )


def _usage(study: Study) -> str:
    corpus = study.corpus
    if corpus.join or corpus.short == "keep":
        return "once all documents are used, equal ones once"
    return (
        f"once all documents of {corpus.context - 1} tokens or more are used, equal "
        'ones once (join = true or short = "keep" uses shorter ones too)'
    )


def _remedy(study: Study, splits: list[str]) -> str:
    settings = ", ".join(
        "valid_share" if split == "valid" else f"{split}_tokens" for split in splits
    )
    if study.corpus.asks_for_shares:
        return f"raise [corpus] {settings}, or give more text"
    return f"lower [corpus] {settings}, give more text, or {DIVIDE}"


def _with_tokens(study: Study, tokens: Mapping[str, int]) -> Study:
    numbers = {
        f"{split}_tokens": tokens[split] for split in ("train", "eval", "heldout")
    }
    corpus = study.corpus.model_copy(update=numbers)
    return study.model_copy(update={"corpus": corpus})


def _unshuffled(study: Study) -> Study:
    """Return the study with windows in text order, so that none is read ahead."""
    corpus = study.corpus.model_copy(update={"shuffle_windows": 1})
    return study.model_copy(update={"corpus": corpus})


def _zeros(study: Study) -> Amounts:
    return {(split, name): 0 for name in study.corpus.languages for split in SPLITS}


def _shortages(target: Amounts, counts: Amounts) -> dict[str, dict[str, int]]:
    """Return the missing tokens of each language, by split."""
    lacking: dict[str, dict[str, int]] = {language: {} for _, language in target}
    for (split, language), tokens in target.items():
        if counts[split, language] < tokens:
            lacking[language][split] = tokens - counts[split, language]
    return lacking
