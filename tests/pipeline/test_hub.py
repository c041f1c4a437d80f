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
stages = ("train", "encode", "export")
build(load_study(Path(sys.argv[1])), parse_selection("layer=1"), stages)
print("end", weights())
"""

BUILD_WITH_RAY = """
import os
import sys
from functools import partial
from pathlib import Path
from huggingface_hub import constants
from bisae.grid import parse_selection
from bisae.pipeline.build import build
from bisae.pipeline.ray import driver
from bisae.study import load_study

path, *expected = sys.argv[1:]
cache, seen = Path(constants.HF_HUB_CACHE), Path(path).with_name("seen")

def weights():
    files = cache.glob("models--*/snapshots/*/*.safetensors")
    return sum(file.exists() for file in files)

def run_and_wait(task):
    '''Run on a worker, where training waits for the checkpoints expected.'''
    import bisae.pipeline.checkpoint as unit
    from bisae.pipeline.ray.driver import _run_here
    train = unit.train_checkpoint
    def wait_for_the_next(store, lm, cells):
        train(store, lm, cells)
        step = task.checkpoint.step
        while weights() < dict(zip((0, 5, 40), map(int, expected)))[step]:
            pass
        with seen.open("a") as file:
            print(step, weights(), file=file)
    unit.train_checkpoint = wait_for_the_next
    try:
        return _run_here(task)
    finally:
        unit.train_checkpoint = train

driver._run_here = run_and_wait
os.sched_getaffinity = lambda _: {0}
engine = partial(driver.build_with_ray, path=Path(path))
build(load_study(Path(path)), parse_selection("layer=1"), engine=engine)
print(seen.read_text() + f"end {weights()}")
"""


@pytest.fixture
def hub(tiny_study: Study) -> Iterator[tuple[str, list[str]]]:
    model = tiny_study.models[0]
    folders = {f"step{step}": Path(model.checkpoint_at(step)[0]) for step in STEPS}
    with local_hub(folders) as served:
        yield served


def run(
    study: Study, folder: Path, endpoint: str, *command: str, keep: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Python in another process with a study whose size S is on the hub."""
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
    words = [str(path) if word == "STUDY" else word for word in command]
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_next_checkpoint_is_fetched_while_one_trains(
    tiny_study: Study, hub: tuple[str, list[str]], tmp_path: Path
) -> None:
    """After the training of a step, the next one has been downloaded as well."""
    endpoint, downloads = hub
    result = run(tiny_study, tmp_path, endpoint, "-c", BUILD, "STUDY", "2", "3", "3")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["0 2", "5 3", "40 3", "end 3"]
    assert sorted(downloads) == sorted(f"step{step}" for step in STEPS)


def test_two_checkpoints_at_most_are_in_the_cache(
    tiny_study: Study, hub: tuple[str, list[str]], tmp_path: Path
) -> None:
    """The first is alone: the one whose embeddings are needed comes before the next."""
    endpoint, _ = hub
    words = ("-c", BUILD, "STUDY", "1", "2", "1")
    result = run(tiny_study, tmp_path, endpoint, *words, keep=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["0 1", "5 2", "40 1", "end 0"]


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "cached"), [(True, "233"), (False, "121")], ids=str)
def test_a_machine_of_a_cluster_fetches_its_next_checkpoint(
    tiny_study: Study,
    hub: tuple[str, list[str]],
    tmp_path: Path,
    keep: bool,  # noqa: FBT001
    cached: str,
) -> None:
    """As many are in the cache as without a cluster."""
    pytest.importorskip("ray")
    endpoint, _ = hub
    words = ("-c", BUILD_WITH_RAY, "STUDY", *cached)
    result = run(tiny_study, tmp_path, endpoint, *words, keep=keep)
    assert result.returncode == 0, result.stderr
    counts = zip((*STEPS, "end"), (*cached, "3" if keep else "0"), strict=True)
    assert result.stdout.splitlines() == [f"{step} {n}" for step, n in counts]


@pytest.mark.slow
def test_without_a_network_nothing_counts_against_the_checkpoint(
    tiny_study: Study, tmp_path: Path
) -> None:
    """Nobody listens at this address; the library tries for half a minute."""
    words = ("-m", "bisae", "build", "STUDY", "--only", "step=5")
    result = run(tiny_study, tmp_path, "http://127.0.0.1:9", *words)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: cannot load the language model lab/tiny at revision")
    assert "the hub cannot be reached; check the network of this machine" in line
    assert not (tmp_path / "store" / "failures").exists()


@pytest.mark.slow
def test_a_revision_that_does_not_exist_fails_its_checkpoint(
    tiny_study: Study, tmp_path: Path
) -> None:
    model = tiny_study.models[0]
    folders = {f"step{step}": Path(model.checkpoint_at(step)[0]) for step in (0, 40)}
    with local_hub(folders) as (endpoint, _):
        words = ("-m", "bisae", "train", "STUDY", "--only", "layer=1")
        result = run(tiny_study, tmp_path, endpoint, *words)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: 1 of 3 checkpoints failed: S/5: cannot load the")
    assert (tmp_path / "store" / "failures" / "S" / "5.json").exists()
