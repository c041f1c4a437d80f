"""Training the cells of one checkpoint: passes, interruptions, resumption."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bisae.errors import (
    CheckpointError,
    Interrupted,
    OutOfMemory,
    StudyError,
    TrainingError,
    Unfinished,
)
from bisae.files import any_path
from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.sae import start
from bisae.sae.kernels import Scratch
from bisae.store import Lease, Store, table_file
from bisae.study import Study
from bisae.train import check_starts, resume, run, train_checkpoint
from bisae.train.job import TrainingJob
from support.training import CELLS, VOCAB, D, make_lm, make_store


def test_training_writes_every_cell(tmp_path: Path) -> None:
    store, lm = make_store(tmp_path / "s", log_every=3), make_lm()
    train_checkpoint(store, lm, CELLS)
    for cell in CELLS:
        assert store.cell_status(cell) == (True, False)
        weights, result = store.weights(cell), store.attributes(cell, "sae")
        assert weights["W_enc"].shape == weights["W_dec"].shape == (32, D)
        np.testing.assert_allclose(np.linalg.norm(weights["W_dec"], axis=1), 1, 1e-5)
        assert (result["n_features"], result["k"], result["d_model"]) == (32, 4, D)
        assert result["n_layers"] == lm.n_layers
        assert (result["steps"], result["tokens_seen"]) == (8, 70)
        assert result["lm_fingerprint"] == lm.fingerprint()
        corpus = store.corpus_attributes()
        assert result["corpus_fingerprint"] == corpus["fingerprint"]


def test_layers_of_one_checkpoint_are_trained_on_one_model(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    train_checkpoint(store, make_lm(), CELLS[:1])
    said = rf"^the checkpoint of 1M/7 differs from the one that {CELLS[0]} was"
    with pytest.raises(CheckpointError, match=said):
        train_checkpoint(store, make_lm(VOCAB + 1), CELLS)


def test_a_cell_is_the_same_whoever_is_trained_beside_it(tmp_path: Path) -> None:
    both, alone = make_store(tmp_path / "both"), make_store(tmp_path / "alone")
    train_checkpoint(both, make_lm(), CELLS)
    train_checkpoint(alone, make_lm(), CELLS[1:])
    position, there = both.weights(CELLS[1]), alone.weights(CELLS[1])
    assert all(np.array_equal(position[name], there[name]) for name in position)


def test_what_is_trained_is_not_touched(tmp_path: Path) -> None:
    store, lm = make_store(tmp_path / "s"), make_lm()
    train_checkpoint(store, lm, CELLS[:1])
    finished = store.zarr / "cells" / str(CELLS[0])
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    train_checkpoint(store, lm, CELLS)
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before
    assert store.cell_status(CELLS[1]).sae


def test_a_loss_that_is_no_number_names_cell_and_step(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lr=3e38, log_every=2)
    said = r"^cell 1M/7/1: the loss is (nan|inf) at step 2; give 1M a lower lr in "
    with pytest.raises(TrainingError, match=said):
        train_checkpoint(store, make_lm(), CELLS)
    assert not store.cell_status(CELLS[0]).sae


def test_a_loss_that_nobody_logged_is_noticed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lr=3e38, log_every=100)
    said = r"^cell 1M/7/1: weights are not finite after step 4; give 1M a lower lr"
    with pytest.raises(TrainingError, match=said):
        train_checkpoint(store, make_lm(), CELLS)
    assert not store.cell_status(CELLS[0]).sae


# -- passes ---------------------------------------------------------------------------


def weights(store: Store) -> dict[str, np.ndarray]:
    return {
        f"{cell} {name}": array
        for cell in CELLS
        for name, array in store.weights(cell).items()
    }


def assert_equal(one: Store, other: Store) -> None:
    position, there = weights(one), weights(other)
    assert position.keys() == there.keys()
    assert all(np.array_equal(position[name], there[name]) for name in position)
    for cell in CELLS:
        assert np.array_equal(one.loss(cell), other.loss(cell))
        files = (table_file(store, "convergence", cell) for store in (one, other))
        assert len({file.read_bytes() for file in files}) == 1


def changed(store: Store, section: str, **values: Any) -> Store:
    """The store with other settings in its study."""
    raw = store.study.model_dump()
    raw[section] |= values
    store.study = Study.model_validate(raw)
    return store


def passes(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The layers of every pass of the model over a block, as they are asked for."""
    request: list[list[int]] = []
    plain = LanguageModel.hidden_states

    def counted(self: LanguageModel, *args: Any) -> Any:
        request.append(list(args[2]))
        return plain(self, *args)

    monkeypatch.setattr(LanguageModel, "hidden_states", counted)
    return request


def test_one_pass_trains_all_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, store = passes(monkeypatch), make_store(tmp_path / "s")
    changed(store, "lm", batch_documents=25)
    train_checkpoint(store, make_lm(), CELLS)
    # 60 documents, and the 60 of the validation text at half and at the end.
    assert request == [[1, 2]] * 9


def test_layers_that_do_not_fit_wait_for_a_second_pass(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = make_store(tmp_path / "whole")
    train_checkpoint(whole, make_lm(), CELLS)
    store, lm = make_store(tmp_path / "s"), make_lm()
    from bisae.memory import need

    needed = need(store.study, lm.shape, lm.n_params)
    changed(store, "lm", memory_gb=(needed.of(2, 2) - 1) / 1e9)
    request = passes(monkeypatch)
    train_checkpoint(store, lm, CELLS)
    assert request == [[1]] * 3 + [[2]] * 3
    assert_equal(store, whole)
    assert not list((tmp_path / "work").rglob("*.safetensors"))


def test_where_not_even_one_layer_fits_it_says_what_to_lower(tmp_path: Path) -> None:
    store = changed(make_store(tmp_path / "s"), "lm", memory_gb=1e-6)
    said = r"^one autoencoder needs 0.\d GB, 0.0 GB may be used; lower \[sae\] batch"
    with pytest.raises(OutOfMemory, match=said):
        train_checkpoint(store, make_lm(), CELLS)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_failed_allocation_says_what_to_lower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(run, "_learn", fails)
    said = r"^out of memory while 2 autoencoders train at once; lower \[lm\] memory_gb"
    with pytest.raises(OutOfMemory, match=said):
        train_checkpoint(make_store(tmp_path / "s"), make_lm(), CELLS)


def test_an_allocation_that_is_too_large_is_no_traceback(tmp_path: Path) -> None:
    store = changed(make_store(tmp_path / "s"), "lm", memory_gb=1e12)
    # More than a study file may say.
    sae = store.study.sae.model_copy(update={"n_features": 2**50})
    store.study = store.study.model_copy(update={"sae": sae})
    with pytest.raises(OutOfMemory, match=r"lower \[sae\] batch_tokens or buffer"):
        train_checkpoint(store, make_lm(), CELLS[:1])


# -- other starts ---------------------------------------------------------------------


def two_steps(place: Path) -> Store:
    store = make_store(place, start="previous")
    model = store.study.models[0].model_copy(update={"steps": (7, 9)})
    store.study = store.study.model_copy(update={"models": (model,)})
    return store


def test_a_start_from_the_step_before_is_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lm = two_steps(tmp_path / "s"), make_lm()
    train_checkpoint(store, lm, CELLS)
    seen = []
    plain = run._learn

    def watched(*args: Any) -> None:
        plain(*args)
        seen.append([job.sae.W_dec.clone() for job in args[3]])

    monkeypatch.setattr(run, "_learn", watched)
    changed(store, "sae", lr=1e-12)  # steps that change next to nothing
    after = [cell._replace(step=9) for cell in CELLS]
    train_checkpoint(store, lm, after)
    for cell, direction in zip(CELLS, seen[0], strict=True):
        before = store.weights(cell)["W_dec"]
        np.testing.assert_allclose(direction.numpy(), before, atol=1e-6)
    assert store.attributes(after[0], "sae")["start"] == "previous"


def test_a_start_from_a_step_that_is_not_trained_is_refused(tmp_path: Path) -> None:
    store = two_steps(tmp_path / "s")
    said = r"^cell 1M/9/1 starts from 1M/7/1 .* not trained; train it first$"
    with pytest.raises(Unfinished, match=said):
        check_starts(store, [Cell("1M", 9, 1)])


def test_a_rate_that_is_to_be_searched_is_asked_for(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lr="search")
    with pytest.raises(StudyError, match=r"^no learning rate for 1M yet; run"):
        train_checkpoint(store, make_lm(), CELLS)


# -- interruption ---------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path: Path) -> Store:
    """A store that was trained without interruption."""
    store = make_store(tmp_path / "whole")
    train_checkpoint(store, make_lm(), CELLS)
    return store


def stop_at(step: int, monkeypatch: pytest.MonkeyPatch, sent: int) -> None:
    """Send a signal to ourselves while a batch is learnt."""
    plain, steps = run._learn, iter(range(10**6))

    def learn(*args: Any) -> None:
        plain(*args)
        if next(steps) == step:
            os.kill(os.getpid(), sent)

    monkeypatch.setattr(run, "_learn", learn)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [0, 5])
def test_a_signal_stops_at_a_safe_point_and_the_rest_is_the_same_to_the_bit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sent: int,
    step: int,
) -> None:
    store = make_store(tmp_path / "s", buffer_batches=4)
    before = signal.getsignal(sent)
    with monkeypatch.context() as patch:
        stop_at(step, patch, sent)
        said = r"^train 1M/7: stopped at token \d+ of 100,000,000; run it again to"
        with pytest.raises(Interrupted, match=said):
            train_checkpoint(store, make_lm(), CELLS)
    assert signal.getsignal(sent) == before
    assert not any(store.cell_status(cell).sae for cell in CELLS)
    assert "stopping at the next safe point" in capsys.readouterr().err
    train_checkpoint(store, make_lm(), CELLS)
    at = {0: 128, 5: 480}[step]
    said = f"train 1M/7: resuming from token {at} of"
    assert said in capsys.readouterr().err
    again = make_store(tmp_path / "again", buffer_batches=4)
    train_checkpoint(again, make_lm(), CELLS)
    assert_equal(store, again)
    assert not (tmp_path / "work").exists()


def test_the_second_signal_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run._learn

    def learn(*args: Any) -> None:
        plain(*args)
        caught = signal.getsignal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        while signal.getsignal(signal.SIGINT) is caught:
            time.sleep(0.001)  # two at once would count as one
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(run, "_learn", learn)
    with pytest.raises(KeyboardInterrupt):
        train_checkpoint(make_store(tmp_path / "s"), make_lm(), CELLS)


def test_an_ignored_signal_stays_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the background of a script, which ignores SIGINT for it."""
    store = make_store(tmp_path / "s")
    stop_at(0, monkeypatch, signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        train_checkpoint(store, make_lm(), CELLS)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert all(store.cell_status(cell).sae for cell in CELLS)


def test_signals_are_left_alone_beside_the_main_thread(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    second = threading.Thread(target=train_checkpoint, args=(store, make_lm(), CELLS))
    second.start()
    second.join()
    assert store.cell_status(CELLS[0]).sae


def keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save at every safe point, whatever it costs."""
    monkeypatch.setattr(resume, "SHARE", 1e9)


def crash(store: Store, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Train, and fail without a word at a step, as a power cut would."""
    plain, steps = run._learn, iter(range(10**6))

    def learn(*args: Any) -> None:
        plain(*args)
        if next(steps) == step:
            raise ZeroDivisionError

    with monkeypatch.context() as patch:
        keep_all(patch)
        patch.setattr(run, "_learn", learn)
        with pytest.raises(ZeroDivisionError):
            train_checkpoint(store, make_lm(), CELLS)


def kept(tmp_path: Path) -> Path:
    """The state.json of the only run that was kept."""
    (actual,) = (tmp_path / "work").rglob("state.json")
    return actual


def test_after_a_crash_it_goes_on_from_the_last_state(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = make_store(tmp_path / "s", encoder_bias=True)
    again = make_store(tmp_path / "again", encoder_bias=True)
    train_checkpoint(again, make_lm(), CELLS)
    crash(store, monkeypatch, 4)
    names = {file.name for file in kept(tmp_path).parent.iterdir()}
    assert names == {
        "state.json",
        "1-256-buffer.safetensors",
        "1-256-0.safetensors",
        "1-256-1.safetensors",
    }
    train_checkpoint(store, make_lm(), CELLS)
    assert "resuming from token 256" in capsys.readouterr().err
    assert_equal(store, again)


def test_layers_that_are_left_go_on_from_a_state_of_them_all(
    tmp_path: Path,
    whole: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = make_store(tmp_path / "s")
    crash(store, monkeypatch, 4)
    train_checkpoint(store, make_lm(), CELLS[1:])
    assert "resuming from token 256" in capsys.readouterr().err
    assert kept(tmp_path).exists()  # the other layer is not there yet
    train_checkpoint(store, make_lm(), CELLS)
    assert "resuming from token 256" in capsys.readouterr().err
    assert_equal(store, whole)
    assert not list((tmp_path / "work").rglob("state.json"))


def damage_json(state: Path) -> None:
    state.write_text(state.read_text()[:-20])


def damage_bits(state: Path) -> None:
    file = next(state.parent.glob("*-1.safetensors"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def damage_short(state: Path) -> None:
    file = next(state.parent.glob("*-buffer.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])


def damage_gone(state: Path) -> None:
    next(state.parent.glob("*-0.safetensors")).unlink()


@pytest.mark.parametrize(
    "damage", [damage_json, damage_bits, damage_short, damage_gone]
)
def test_a_damaged_state_is_left_and_the_group_starts_again(
    tmp_path: Path,
    whole: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: Any,
) -> None:
    store = make_store(tmp_path / "s")
    crash(store, monkeypatch, 6)
    damage(kept(tmp_path))
    train_checkpoint(store, make_lm(), CELLS)
    assert "is damaged (" in (result := capsys.readouterr().err)
    assert " and is not used" in result
    assert_equal(store, whole)


def test_a_state_of_other_settings_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_store(tmp_path / "s")
    crash(store, monkeypatch, 6)
    changed(store, "sae", lr=2e-3)
    train_checkpoint(store, make_lm(), CELLS)
    assert "was saved under other settings and is not used" in capsys.readouterr().err
    second = make_store(tmp_path / "other", lr=2e-3)
    train_checkpoint(second, make_lm(), CELLS)
    assert_equal(store, second)


def test_a_state_is_never_one_of_weights_that_are_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "s", log_every=100)
    crash(store, monkeypatch, 1)
    before = json.loads(kept(tmp_path).read_text())
    plain = run._learn

    def spoil(*args: Any) -> None:
        plain(*args)
        args[3][1].trainer.sae.W_dec[0, 0] = torch.nan

    with monkeypatch.context() as patch:
        keep_all(patch)
        patch.setattr(run, "_learn", spoil)
        said = r"^cell 1M/7/2: weights are not finite after step 2"
        with pytest.raises(TrainingError, match=said):
            train_checkpoint(store, make_lm(), CELLS)
    assert json.loads(kept(tmp_path).read_text()) == before


def test_saving_keeps_within_its_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(resume, "sync", lambda _: now.__setitem__(0, now[0] + 1))
    store = make_store(tmp_path / "s")
    job = TrainingJob(CELLS[0], 1e-3, lambda x: start(x, store.study.sae))
    job.learn(torch.randn(64, D), store.study.sae, Scratch())
    lease = Lease(any_path(tmp_path / "leases"), "1M/7")
    keeper = resume.TrainingState(tmp_path / "state", {}, lease)
    # 24 bytes n d, at 200 MB/s, and a tenth of a second: 2 % are some five seconds.
    for later, due in ((4.9, False), (5.1, True)):
        now[0] = later
        assert keeper.is_due([job]) is due
    keeper.save(
        [job], resume.RunPosition(0, 0.0, {"token": torch.zeros(1)})
    )  # the two files took two seconds
    rested = now[0]
    for later, due in ((99.9, False), (100.1, True)):
        now[0] = rested + later
        assert keeper.is_due([job]) is due
