"""Fetch a study's checkpoints ahead of time, and remove weights that are done with.

Reads and writes the hub's cache on this machine; folders are left alone.
"""

import threading
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface_hub import CachedRepoInfo, scan_cache_dir, snapshot_download
from huggingface_hub.errors import CacheNotFound
from huggingface_hub.utils.tqdm import tqdm

from bisae.grid import Checkpoint
from bisae.study import Study, is_path

SMALL = ("*.json", "*.txt", "*.model", "*.py")
"""Configuration, tokenizer and code, which stay in the cache."""
WEIGHTS = ("*.safetensors", "*.bin")
"""The weights that `transformers` reads: the second kind if there is no first."""


class _NoBar(tqdm):
    """A progress bar that is not drawn."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options |= {"disable": True}
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]


def fetch_ahead(study: Study, checkpoint: Checkpoint) -> None:
    """Begin to download a checkpoint of the hub, in the background.

    A failure is silent: loading the checkpoint will meet it again, and report it.
    """
    path, revision = study.model(checkpoint.size).checkpoint_at(checkpoint.step)
    if not _is_folder(path):
        arguments = path, revision
        threading.Thread(target=_fetch, args=arguments, daemon=True).start()


def _fetch(name: str, revision: str | None) -> None:
    with suppress(Exception):
        for kind in WEIGHTS:
            patterns = [*SMALL, kind]
            folder = snapshot_download(
                name,
                revision=revision,
                allow_patterns=patterns,
                tqdm_class=_NoBar,
            )
            if any(Path(folder).glob(kind)):
                return


def release(study: Study, checkpoint: Checkpoint) -> None:
    """Remove a checkpoint's weights from the cache, unless the study keeps them.

    Weights that another checkpoint shares stay.
    """
    path, revision = study.model(checkpoint.size).checkpoint_at(checkpoint.step)
    if study.lm.keep_checkpoints or _is_folder(path):
        return
    for repository in _cached(path):
        done_with = repository.refs.get(revision or "main")
        others = repository.revisions - {done_with}
        shared = {file.blob_path for other in others for file in other.files}
        for file in done_with.files if done_with else ():
            is_weight = any(fnmatch(file.file_name, kind) for kind in WEIGHTS)
            if is_weight and file.blob_path not in shared:
                file.file_path.unlink(missing_ok=True)
                file.blob_path.unlink(missing_ok=True)


def _cached(name: str) -> list[CachedRepoInfo]:
    """Return what the cache has of a repository, if anything."""
    with suppress(CacheNotFound):
        repositories = scan_cache_dir().repos
        return [repo for repo in repositories if repo.repo_id == name]
    return []


def _is_folder(name: str) -> bool:
    return is_path(name) or Path(name).is_dir()
