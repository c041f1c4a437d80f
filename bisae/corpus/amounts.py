"""How many tokens each split and language gets, and what of a study does not fit.

Reads the study's text to count it; writes nothing.
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

    Where the study asks for numbers, counting stops once a language has them.
    """
    split_of, counts = splitter(study), _none(study)
    wanted = None
    if not study.corpus.asks_for_shares:
        wanted = asked_tokens(study)
        study = _unmixed(study)
    with bar(sum((wanted or {}).values()), "counting text", "tokens") as shown:
        for language in study.corpus.languages:
            for window in windows(study, language, tokenizer, split_of):
                counts[window.split, language] += len(window.token_id)
                shown.update(len(window.token_id))
                if wanted and not _lacking(wanted, counts)[language]:
                    break
    return counts


def asked_tokens(study: Study) -> Amounts:
    """Tokens asked for by number: whole windows, the same for each language."""
    corpus, size = study.corpus, study.corpus.context - 1
    windows_each = {
        split: -(-tokens // (len(corpus.languages) * size))
        for split, tokens in corpus.tokens.items()
    }
    return {key: windows_each[key[0]] * size for key in _none(study)}


def shared_tokens(study: Study, counts: Amounts) -> Amounts:
    """Tokens of shares of the text: in whole windows what every language has.

    At least a window each, whether it is there or not.
    """
    languages, size = study.corpus.languages, study.corpus.context - 1
    least = {split: min(counts[split, name] for name in languages) for split in SPLITS}
    return {key: max(1, least[key[0]] // size) * size for key in counts}


def with_numbers(study: Study, counts: Amounts) -> Study:
    """Return the study with numbers in place of the shares of the text."""
    if not study.corpus.asks_for_shares:
        return study
    tokens = Counter[str]()
    for (split, _), number in shared_tokens(study, counts).items():
        tokens[split] += number
    return _with_tokens(study, tokens)


def with_stored_numbers(store: Store) -> Study:
    """Return the store's study, with what its corpus has in place of shares."""
    if not store.study.corpus.asks_for_shares:
        return store.study
    lengths = {
        split: [int(block.length.sum()) for block in store.documents(split)]
        for split in SPLITS
    }
    return _with_tokens(store.study, {split: sum(n) for split, n in lengths.items()})


def misfits(study: Study, counts: Amounts) -> list[str]:
    """Say in how far the text is too little for the study."""
    shares = study.corpus.asks_for_shares
    wanted = shared_tokens(study, counts) if shares else asked_tokens(study)
    train = sum(n for (split, _), n in wanted.items() if split == "train")
    batch = batch_misfit(study, train if shares else study.corpus.tokens["train"])
    return [one for one in (shortage(study, wanted, counts), batch) if one]


def batch_misfit(study: Study, train_tokens: int) -> str | None:
    """Say that a batch is more than the training text, if it is."""
    if study.sae.batch_tokens <= train_tokens:
        return None
    return (
        f"[sae] batch_tokens = {study.sae.batch_tokens:,} is more than [corpus] "
        f"train_tokens = {train_tokens:,}; lower it"
    )


def shortage(study: Study, wanted: Amounts, counts: Amounts) -> str | None:
    """Say which languages lack how many tokens of which splits, and what to do."""
    lacking = {name: few for name, few in _lacking(wanted, counts).items() if few}
    if not lacking:
        return None
    languages = "; ".join(
        f"{language} lacks "
        + ", ".join(f"{n:,} tokens of {split}" for split, n in few.items())
        for language, few in lacking.items()
    )
    splits = dict.fromkeys(split for few in lacking.values() for split in few)
    return (
        f"too little text: {languages}, {_used(study)}; {_remedy(study, list(splits))}"
    )


def _used(study: Study) -> str:
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


def _unmixed(study: Study) -> Study:
    """The study with its windows in the order of the text: none is read ahead."""
    corpus = study.corpus.model_copy(update={"shuffle_windows": 1})
    return study.model_copy(update={"corpus": corpus})


def _none(study: Study) -> Amounts:
    return {(split, name): 0 for name in study.corpus.languages for split in SPLITS}


def _lacking(wanted: Amounts, counts: Amounts) -> dict[str, dict[str, int]]:
    """How many tokens each language lacks of each split that it has too few of."""
    lacking: dict[str, dict[str, int]] = {language: {} for _, language in wanted}
    for (split, language), tokens in wanted.items():
        if counts[split, language] < tokens:
            lacking[language][split] = tokens - counts[split, language]
    return lacking
