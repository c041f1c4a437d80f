"""Checkpoints of a hub: the next is fetched meanwhile, finished ones are removed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bisae.study import Model, Study, dump_study
from support.hub import REPOSITORY, local_hub

STEPS = (0, 5, 40)
BUILD = """
import sys
from pathlib import Path
from huggingface_hub import constants
import bisae.pipeline.checkpoint as unit
from bisae.grid import parse_selection
from bisae.pipeline.build import build
from bisae.study import load_study

cache = Path(constants.HF_HUB_CACHE)
expected = dict(zip((0, 5, 40), map(int, sys.argv[2:])))

def weights():
    files = cache.glob("models--*/snapshots/*/*.safetensors")
    return sum(file.exists() for file in files)

train = unit.train_checkpoint

def wait_for_the_next(store, lm, cells):
    '''Train, until as many checkpoints are in the cache as are expected.'''
    train(store, lm, cells)
    while weights() < expected[cells[0].step]:
        pass
    print(cells[0].step, weights(), flush=True)

unit.train_checkpoint = wait_for_the_next
build(load_study(Path(sys.argv[1])), parse_selection("layer=1"))
print("end", weights())
"""


@pytest.fixture
def hub(tiny_study: Study) -> Iterator[tuple[str, list[str]]]:
    model = tiny_study.models[0]
    folders = {f"step{step}": Path(model.checkpoint_at(step)[0]) for step in STEPS}
    with local_hub(folders) as served:
        yield served


def build(
    study: Study, folder: Path, endpoint: str, expected: list[int], *, keep: bool
) -> list[str]:
    """Build layer 1 of size S from the hub in another process; return what it prints.

    At each step it waits for an expected number of checkpoints in the cache.
    """
    model = study.models[0].model_dump()
    model |= {"checkpoint": REPOSITORY, "revision": "step{step}"}
    update = {
        "models": (Model.model_validate(model),),
        "lm": study.lm.model_copy(update={"keep_checkpoints": keep}),
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "pretrain": None,
        "intervention": None,
        "lexicon": None,
        "pairs": None,
    }
    path = folder / "study.toml"
    path.write_text(dump_study(study.model_copy(update=update)))
    environment = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", BUILD, str(path), *map(str, expected)]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_the_next_checkpoint_is_fetched_while_one_trains(
    tiny_study: Study, hub: tuple[str, list[str]], tmp_path: Path
) -> None:
    """After the training of a step, that of the next has been downloaded as well."""
    endpoint, downloads = hub
    counts = build(tiny_study, tmp_path, endpoint, [2, 3, 3], keep=True)
    assert counts == ["0 2", "5 3", "40 3", "end 3"]
    assert sorted(downloads) == sorted(f"step{step}" for step in STEPS)


def test_two_checkpoints_at_most_are_in_the_cache(
    tiny_study: Study, hub: tuple[str, list[str]], tmp_path: Path
) -> None:
    """The first is alone: the one whose embeddings are needed comes before the next."""
    endpoint, _ = hub
    counts = build(tiny_study, tmp_path, endpoint, [1, 2, 1], keep=False)
    assert counts == ["0 1", "5 2", "40 1", "end 0"]
