"""Keep the memory of freed tensors in this process, for the next ones of their size."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
MOST_KEPT = 2**30
"""Bytes: larger tensors, and more freed memory than this, go back to the system."""


def keep_freed_memory() -> None:
    """Let the C library keep up to MOST_KEPT bytes of freed memory.

    By default glibc returns whatever is above 32 MB at once. The logits of a batch are
    above it, so each step has all their pages mapped and cleared anew, in a third of
    the time of a small model. Does nothing where the C library is not glibc.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(M_MMAP_THRESHOLD, MOST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
