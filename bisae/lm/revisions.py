"""Ask the hub whether every checkpoint that a study names exists.

Reads the names of branches and tags; downloads no weights.
"""

import re
from pathlib import Path
from typing import Any

from bisae.errors import CheckpointError, one_line
from bisae.study import Study, is_path

COMMIT = re.compile(r"[0-9a-f]{7,40}")


def revisions_of(study: Study) -> dict[str, list[str]]:
    """Return the revisions of each name on the hub that a study reads; may be none.

    They are those of checkpoints and of the tokenizer, without repetition.
    """
    checkpoints = [
        model.checkpoint_at(step) for model in study.models for step in model.steps
    ]
    names: dict[str, list[str]] = {}
    for name, revision in [*checkpoints, study.tokenizer()]:
        if not (is_path(name) or Path(name).expanduser().exists()):
            revisions = names.setdefault(name, [])
            if (revision or "main") not in revisions:
                revisions.append(revision or "main")
    return names


def missing_checkpoints(study: Study) -> list[str]:
    """Return a line for each repository that lacks some revisions, or does not exist.

    Raises CheckpointError if the hub cannot be reached.
    """
    names = revisions_of(study)
    return [line for name in names if (line := _missing(name, names[name]))]


def _missing(name: str, revisions: list[str]) -> str:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    hub = HfApi()
    try:
        refs = hub.list_repo_refs(name)
        existing = {ref.name for ref in (*refs.branches, *refs.tags)}
        missing = [
            revision
            for revision in revisions
            if revision not in existing and not _is_commit(hub, name, revision)
        ]
    except RepositoryNotFoundError:
        return f"{name} is not on the hub, or is private and you are not logged in"
    except Exception as error:
        msg = f"the hub cannot be reached, {one_line(error)}"
        raise CheckpointError(msg) from error
    if not missing:
        return ""
    listed = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
    number = "1 is" if len(missing) == 1 else f"{len(missing)} are"
    return f"{name} has no revision {listed} on the hub ({number} missing)"


def _is_commit(hub: Any, name: str, revision: str) -> bool:
    """Say if a revision is the hash of a commit, which no branch or tag lists."""
    from huggingface_hub.errors import RevisionNotFoundError

    if not COMMIT.fullmatch(revision):
        return False
    try:
        hub.repo_info(name, revision=revision)
    except RevisionNotFoundError:
        return False
    return True
