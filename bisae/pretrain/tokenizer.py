"""Train a study's tokenizer, a byte-level BPE, on its training text."""

from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bisae.corpus import load_tokenizer
from bisae.pretrain.checkpoints import write_checkpoint
from bisae.pretrain.texts import Reader
from bisae.study import Study, is_path

BOS = "<s>"
# Without spaces the BPE would merge across words; scripts separate most Japanese words.
SCRIPTS = r" ?\p{Han}+| ?\p{Hiragana}+| ?[\p{Katakana}ー]+"
DOCUMENTS = 10_000
"""Documents of each kind of text that the tokenizer is trained on."""


def ensure_tokenizer(study: Study, texts: Iterable[Reader]) -> Any:
    """Load the study's tokenizer, or train it if it does not exist."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    assert study.pretrain is not None
    path = study.tokenizer()[0]
    if not is_path(path) or (Path(path) / "tokenizer.json").exists():
        return load_tokenizer(study)
    bpe = Tokenizer(models.BPE())
    parts = pre_tokenizers.Split(Regex(SCRIPTS), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([parts, to_bytes])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=study.pretrain.vocab_size,
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    documents = (islice(read(), DOCUMENTS) for read in texts)
    bpe.train_from_iterator(chain.from_iterable(documents), trainer)
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=bpe, bos_token=BOS)
    if study.corpus.tokenizer:  # otherwise every checkpoint contains it
        write_checkpoint(Path(path), tokenizer)
    return tokenizer
