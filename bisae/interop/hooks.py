"""Names of the places in a model that other projects read, as layers of this one."""

import re

from bisae.errors import AutoencoderError

PLACES = [
    (re.compile(r"blocks\.(\d+)\.hook_resid_post"), 1),
    (re.compile(r"blocks\.(\d+)\.hook_resid_pre"), 0),
    (re.compile(r"(?:[\w.]+\.)?(?:layers|h|blocks)\.(\d+)(?:\.output)?"), 1),
]
"""Patterns of a block's output or input, with its distance from the block's number,
which is counted from 0."""
EMBEDDINGS = re.compile(r"hook_embed|(?:[\w.]+\.)?(?:embed_tokens|wte|embed_in)")


def layer_of(hook: str, where: str) -> int:
    """Return the layer of a hook's name. Raises AutoencoderError for other places."""
    if EMBEDDINGS.fullmatch(hook):
        return 0
    for pattern, distance in PLACES:
        if match := pattern.fullmatch(hook):
            return int(match[1]) + distance
    msg = f"{where}: it reads {hook[:80]!r}, inside a block; only autoencoders of the "
    msg += "residual stream, that is of a block's output, can be imported"
    raise AutoencoderError(msg)


def hook_of(layer: int) -> str:
    """Return the name of a layer in TransformerLens and SAELens."""
    return f"blocks.{layer - 1}.hook_resid_post" if layer else "hook_embed"


def hookpoint_of(layer: int) -> str:
    """Return the name of a layer in sparsify and Delphi."""
    return f"layers.{layer - 1}" if layer else "embed_tokens"


def refuse_transcoder(where: str) -> AutoencoderError:
    """Return the error for a model that predicts other states than it reads."""
    msg = f"{where}: it is a transcoder, which predicts a module's output from its "
    msg += "input; only autoencoders of the residual stream can be imported"
    return AutoencoderError(msg)
