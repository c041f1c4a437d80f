"""Checkpoints of `transformers`, from a folder or the hub.

Python code of a checkpoint runs only if the user of the command allows it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import is_offline_mode
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import AutoConfig, AutoModelForCausalLM

from bisae.corpus import quiet_transformers
from bisae.errors import CheckpointError, MachineError, UntrustedCode, one_line
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
    """Load a folder or a hub name; device "auto" is cuda if available.

    `dtype` is float32, bfloat16, float16 or auto (bfloat16 on cuda, else float32).
    Raises CheckpointError: one line that says what, where and what to do.
    """
    with _opening(checkpoint, revision, trust=trust_remote_code) as source:
        torch_device = chosen_device(device)
        if torch_device.type == "cuda" and not torch.cuda.is_available():
            msg = f"device {device!r} was requested, but PyTorch sees no CUDA device; "
            msg += "use auto"
            raise MachineError(msg)
        config = AutoConfig.from_pretrained(**source)
        _refuse_encoder(config, checkpoint)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            **source,
            config=config,
            dtype=chosen_dtype(dtype, torch_device),
            weights_only=True,  # a pickle may hold tensors and nothing else
            output_loading_info=True,
        )
        model, report = loaded
        if missing := sorted(report["missing_keys"]):  # they would be random numbers
            msg = f"it lacks {len(missing)} weights, such as {missing[0]}"
            raise ValueError(msg)
        lm = LanguageModel(model.to(torch_device))
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
        msg += "decoder computes depends on another text, read by an encoder; "
        raise CheckpointError(msg + "use a decoder-only language model")


def chosen_device(name: str) -> torch.device:
    """Return a device by name, present or not; "auto" is cuda if available.

    Raises CheckpointError for an unknown name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(name)
    except RuntimeError as error:
        msg = f"no device {name!r}: choose auto, cpu or cuda"
        raise CheckpointError(msg) from error


def chosen_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return a dtype by name; "auto" depends on the device. Raises CheckpointError."""
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
    """Yield the arguments of `from_pretrained`; turn failures into one-line errors."""
    folder = Path(checkpoint).expanduser()
    local = is_path(checkpoint) or folder.exists()
    where = checkpoint + (f" at revision {revision}" if revision else "")
    if local and not folder.is_dir():
        msg = f"no checkpoint folder {checkpoint}; check the path in the study"
        raise CheckpointError(msg)
    if (
        local and revision
    ):  # transformers would ignore it and always load the same weights
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
        if _is_unreachable(error):
            msg = f"cannot load the language model {where}: the hub cannot be reached; "
            msg += "check the network of this machine and run again"
            raise MachineError(msg) from error
        msg = f"cannot load the language model {where}: {one_line(error)}; give a "
        msg += "folder with config.json and model.safetensors, or a name on the "
        msg += "hub"
        raise CheckpointError(msg) from error


def _is_unreachable(error: BaseException | None) -> bool:
    """Say if an error comes from a hub that cannot be reached, though it may be."""
    while error and not isinstance(error, LocalEntryNotFoundError):
        error = error.__cause__ or error.__context__
    return bool(error) and not is_offline_mode()


def _check_files(folder: Path) -> None:
    """Refuse a folder with files that could be read without end. Raises ValueError."""
    for file in folder.iterdir():
        if not (file.is_file() or file.is_dir()):
            msg = f"{file.name} is not an ordinary file"
            raise ValueError(msg)
    if (config := folder / "config.json").exists():
        check_layers(json.loads(read(config)))
