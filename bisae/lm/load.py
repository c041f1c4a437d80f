"""Checkpoints of `transformers`, from a folder or the hub.

Python code that a checkpoint brings runs only by the word of who runs the command.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from bisae.corpus import quiet_transformers
from bisae.errors import CheckpointError, UntrustedCode, one_line
from bisae.files import read
from bisae.lm.causality import check_causal
from bisae.lm.model import LanguageModel
from bisae.lm.shape import ModelShape, check_layers, shape_of
from bisae.study import is_path

DTYPES = {d: getattr(torch, d) for d in ("float32", "bfloat16", "float16")}


def load_lm(
    checkpoint: str,
    revision: str | None = None,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    trust_remote_code: bool = False,
) -> LanguageModel:
    """Load a folder or a hub name; device "auto" is cuda where there is one.

    `dtype` is float32, bfloat16, float16 or auto (bfloat16 on cuda, else float32).
    Raises CheckpointError: one line that says what, where and what to do.
    """
    with _opening(checkpoint, revision, trust=trust_remote_code) as source:
        place = chosen_device(device)
        if place.type == "cuda" and not torch.cuda.is_available():
            msg = f"device {device!r} is asked for, but PyTorch sees no CUDA device; "
            msg += "use auto"
            raise CheckpointError(msg)
        config = AutoConfig.from_pretrained(**source)
        _refuse_encoder(config, checkpoint)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            **source,
            config=config,
            dtype=chosen_dtype(dtype, place),
            weights_only=True,  # a pickle may hold tensors and nothing else
            output_loading_info=True,
        )
        model, report = loaded
        if missing := sorted(report["missing_keys"]):  # they would be random numbers
            msg = f"it lacks {len(missing)} weights, {missing[0]} for one"
            raise ValueError(msg)
        lm = LanguageModel(model.to(place))
        check_causal(lm, checkpoint)
        return lm


def read_config(
    checkpoint: str, revision: str | None = None, *, trust_remote_code: bool = False
) -> ModelShape:
    """Read a model's shape without its weights. Raises CheckpointError."""
    with _opening(checkpoint, revision, trust=trust_remote_code) as source:
        config = AutoConfig.from_pretrained(**source)
        _refuse_encoder(config, checkpoint)
        return shape_of(config)


def _refuse_encoder(config: Any, name: str) -> None:
    """Raise CheckpointError for a model whose decoder reads an encoder's states."""
    if getattr(config, "is_encoder_decoder", False):
        msg = f"{name} is an encoder-decoder model ({config.model_type}): what its "
        msg += "decoder computes depends on another text, which an encoder has read; "
        raise CheckpointError(msg + "use a decoder-only language model")


def chosen_device(name: str) -> torch.device:
    """A device by its name, there or not; "auto" is cuda where there is one.

    Raises CheckpointError for what names no device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(name)
    except RuntimeError as error:
        msg = f"no device {name!r}: choose auto, cpu or cuda"
        raise CheckpointError(msg) from error


def chosen_dtype(name: str, device: torch.device) -> torch.dtype:
    """What a model's numbers are on a device. Raises CheckpointError."""
    if name == "auto":
        name = "bfloat16" if device.type == "cuda" else "float32"
    if name not in DTYPES:
        msg = f"no dtype {name!r}: choose auto, {', '.join(DTYPES)}"
        raise CheckpointError(msg)
    dtype: torch.dtype = DTYPES[name]
    return dtype


@contextmanager
def _opening(
    checkpoint: str, revision: str | None, *, trust: bool
) -> Iterator[dict[str, Any]]:
    """Give what `from_pretrained` needs, and make any failure within one line."""
    folder = Path(checkpoint).expanduser()
    local = is_path(checkpoint) or folder.exists()
    where = checkpoint + (f" at revision {revision}" if revision else "")
    if local and not folder.is_dir():
        msg = f"no checkpoint folder {checkpoint}; check the path in the study"
        raise CheckpointError(msg)
    if local and revision:  # transformers would ignore it, and load the same weights
        msg = f"{where}: a folder has no revisions; put {{step}} in its path"
        raise CheckpointError(msg)
    try:
        if local:
            _check_files(folder)
        with quiet_transformers():
            yield {
                "pretrained_model_name_or_path": str(folder) if local else checkpoint,
                "revision": revision or "main",
                "trust_remote_code": trust,
            }
    except CheckpointError:
        raise
    except Exception as error:
        if "trust_remote_code" in str(error) and not trust:
            raise UntrustedCode(where) from error
        msg = f"cannot load the language model {where}: {one_line(error)}; give a "
        msg += "folder with config.json and model.safetensors, or a name that the hub "
        msg += "has"
        raise CheckpointError(msg) from error


def _check_files(folder: Path) -> None:
    """Refuse a folder in which something could be read forever. Raises ValueError."""
    for file in folder.iterdir():
        if not (file.is_file() or file.is_dir()):
            msg = f"{file.name} is no ordinary file"
            raise ValueError(msg)
    if (config := folder / "config.json").exists():
        check_layers(json.loads(read(config)))
