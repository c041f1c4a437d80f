"""The mark of tests that need a GPU."""

import os

import pytest
import torch


def _why_not() -> str:
    """Return why no kernel can run on a GPU here, "" if one can."""
    if not torch.cuda.is_available():
        return "PyTorch sees no CUDA device"
    if os.environ.get("TRITON_INTERPRET") == "1":
        return "Triton interprets its kernels: run `make test-gpu`"
    return ""


needs_gpu = pytest.mark.skipif(bool(_why_not()), reason=_why_not())
