"""Tiny random models of seven families of `transformers`, as checkpoints."""

import copy
from pathlib import Path
from typing import Any

import torch
import transformers

D, VOCAB, LAYERS = 32, 96, 3
WIDE: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": D,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.2,
}
GROUPED: dict[str, Any] = WIDE | {"num_key_value_heads": 2, "head_dim": 8}
FAMILIES: dict[str, transformers.PreTrainedConfig] = {
    "llama": transformers.LlamaConfig(**GROUPED),
    "gpt2": transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=D, n_layer=LAYERS, n_head=4, initializer_range=0.2
    ),
    "neox": transformers.GPTNeoXConfig(**WIDE),
    "bloom": transformers.BloomConfig(
        vocab_size=VOCAB, hidden_size=D, n_layer=LAYERS, n_head=4, initializer_range=0.2
    ),
    "qwen3": transformers.Qwen3Config(**GROUPED),
    "gemma3": transformers.Gemma3TextConfig(**GROUPED, sliding_window=4),
    "olmo2": transformers.Olmo2Config(**WIDE),
}

ENCODER: dict[str, Any] = WIDE | {"max_position_embeddings": 64}
BIDIRECTIONAL: dict[str, transformers.PreTrainedConfig] = {
    "bert": transformers.BertConfig(**ENCODER),
    "roberta": transformers.RobertaConfig(**ENCODER),
    "electra": transformers.ElectraConfig(**ENCODER),
    "roformer": transformers.RoFormerConfig(**ENCODER),
}
"""They open as causal language models, and are none."""

CACHELESS: dict[str, transformers.PreTrainedConfig] = {
    "mamba": transformers.MambaConfig(
        vocab_size=VOCAB, hidden_size=D, num_hidden_layers=LAYERS, state_size=4
    ),
    "rwkv": transformers.RwkvConfig(
        vocab_size=VOCAB, hidden_size=D, num_hidden_layers=LAYERS, context_length=64
    ),
    "openai-gpt": transformers.OpenAIGPTConfig(
        vocab_size=VOCAB, n_embd=D, n_layer=LAYERS, n_head=4, initializer_range=0.2
    ),
}
"""They continue from no keys and values."""


MAMBA: dict[str, Any] = {
    "mamba_d_state": 4,
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_n_groups": 1,
}
HYBRID: dict[str, transformers.PreTrainedConfig] = {
    "bamba": transformers.BambaConfig(**GROUPED, **MAMBA, attn_layer_indices=[1]),
    "lfm2": transformers.Lfm2Config(
        **WIDE, num_key_value_heads=2, layer_types=["conv", "full_attention", "conv"]
    ),
    "gpt-neo": transformers.GPTNeoConfig(
        vocab_size=VOCAB,
        hidden_size=D,
        num_layers=LAYERS,
        num_heads=4,
        attention_types=[[["local", "global", "local"], 1]],
        window_size=4,
    ),
    "mistral": transformers.MistralConfig(**GROUPED, sliding_window=4),
}
"""Their caches hold recurrent states beside keys and values, or a window of these."""

SHARED_KEYS = transformers.Gemma4TextConfig(
    **GROUPED | {"num_hidden_layers": 4, "global_head_dim": 8},
    sliding_window=4,
    num_kv_shared_layers=2,
    vocab_size_per_layer_input=VOCAB,
    hidden_size_per_layer_input=8,
    layer_types=["sliding_attention", "full_attention"] * 2,
)
"""Its upper two blocks read the keys and values of the lower two, and with a cache run
on the last token of a prompt alone."""


def save(
    family: str, path: Path, seed: int = 0, config: Any = None, **changes: Any
) -> Path:
    """Write a random model of a family, or of a configuration of its own."""
    torch.manual_seed(seed)
    auto: Any = transformers.AutoModelForCausalLM
    config = copy.deepcopy(config or FAMILIES[family])
    for name, value in changes.items():
        setattr(config, name, value)
    auto.from_config(config).save_pretrained(path)
    return path
