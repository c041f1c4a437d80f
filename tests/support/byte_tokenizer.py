"""A tokenizer of one token a byte, saved as checkpoints have theirs."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

BOS = 0


def save_tokenizer(folder: Path, **special: str) -> Path:
    """Save a tokenizer whose `<s>` begins every text, where it is asked for."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<s>", "</s>", *alphabet]
    bytewise = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    bytewise.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", BOS)]
    )
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=bytewise, **special).save_pretrained(folder)
    return folder
