"""Hidden states against `transformers`' own, on tiny random models of seven families.

Each is saved, and loaded as anybody's checkpoint is; nothing is downloaded.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from bisae.errors import AddressError, CheckpointError, StateError, one_line
from bisae.lm import LanguageModel, load_lm, read_config, unit_states
from bisae.lm.cache_checks import can_skip
from support.model_families import (
    BIDIRECTIONAL,
    CACHELESS,
    FAMILIES,
    HYBRID,
    LAYERS,
    SHARED_KEYS,
    VOCAB,
    D,
    save,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine, threads that wait for each other take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return save(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def lm(folder: Path) -> LanguageModel:
    return load_lm(str(folder))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save("llama", tmp_path_factory.mktemp("one"))


def batch() -> tuple[Tensor, Tensor]:
    """Three documents of 11, 6 and 9 tokens; -1 stands where there is none."""
    mask = torch.arange(11) < torch.tensor([[11], [6], [9]])  # (3, 11)
    ids = torch.randint(VOCAB, (3, 11), generator=torch.Generator().manual_seed(1))
    return ids.where(mask, -1), mask


def plain(lm: LanguageModel) -> tuple[Any, Any]:
    """The model of `transformers` itself, and its output on the batch."""
    ids, mask = batch()
    with torch.no_grad():
        return lm._model, lm._model(
            ids.clamp(0), attention_mask=mask.long(), output_hidden_states=True
        )


def final_norm(model: Any) -> Any:
    names = ("norm", "ln_f", "final_layer_norm")
    return next(m for n, m in model.base_model.named_children() if n in names)


def count_calls(lm: LanguageModel) -> list[int]:
    """Give a list to which each block adds its number when it runs, a pass 0."""
    calls: list[int] = []
    lm._model.register_forward_pre_hook(lambda *_: calls.append(0))
    for i, block in enumerate(lm._blocks, start=1):
        block.register_forward_hook(lambda *_, i=i: calls.append(i))
    return calls


class Tupled(nn.Module):
    """A block as older and remote code has them: it returns a tuple."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, hidden_states: Tensor, **named: Any) -> tuple[Tensor, str]:
        return self.block(hidden_states, **named), "more"


class Caller(nn.Module):
    """What stands around such a block; it gives the state as a keyword."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = Tupled(block)

    def forward(self, state: Tensor, **named: Any) -> Tensor:
        output: Tensor = self.block(hidden_states=state, **named)[0]
        return output


def tupled(folder: Path) -> LanguageModel:
    lm = load_lm(str(folder))
    callers = [Caller(block) for block in lm._blocks]
    lm._model.model.layers = nn.ModuleList(callers)
    lm._blocks = nn.ModuleList([caller.block for caller in callers])
    return lm


def test_layers_are_those_of_transformers(lm: LanguageModel) -> None:
    model, output = plain(lm)
    states = lm.hidden_states(*batch(), range(LAYERS + 1))
    assert list(states) == [0, 1, 2, 3]
    for layer in range(LAYERS):
        assert torch.equal(states[layer], output.hidden_states[layer])
    last = final_norm(model)(states[LAYERS])
    assert torch.equal(last, output.hidden_states[LAYERS])
    assert not torch.allclose(states[LAYERS], last, atol=0.1)  # it is before the norm


@pytest.mark.parametrize(
    ("layers", "run"),
    [([0], []), ([1], [1]), ([2, 0], [1, 2]), ([0, 1, 2, 3], [1, 2, 3]), ([], [])],
)
def test_one_pass_runs_only_what_is_needed(
    llama: Path, layers: list[int], run: list[int]
) -> None:
    lm = load_lm(str(llama))
    calls = count_calls(lm)
    lm._model.lm_head.register_forward_pre_hook(lambda *_: pytest.fail("lm_head ran"))
    assert list(lm.hidden_states(*batch(), layers)) == layers
    assert calls == [0, *run]


def test_padding_changes_nothing(lm: LanguageModel) -> None:
    ids, mask = batch()
    together = lm.hidden_states(ids, mask, [1, LAYERS])
    losses = lm.token_losses(ids, mask)
    for i, n in enumerate(mask.sum(1).tolist()):
        row = ids[i : i + 1, :n], mask[i : i + 1, :n]
        for layer, alone in lm.hidden_states(*row, [1, LAYERS]).items():
            torch.testing.assert_close(together[layer][i, :n], alone[0])
        torch.testing.assert_close(losses[i, : n - 1], lm.token_losses(*row)[0])


def test_what_comes_in_stays_and_hooks_go(lm: LanguageModel) -> None:
    ids, mask = batch()
    lm.hidden_states(ids, mask, [0, 2])
    assert torch.equal(ids, batch()[0])
    with pytest.raises(ZeroDivisionError), lm.edited(1, lambda h: h / (1 // 0)):
        lm.token_losses(ids, mask)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in lm._blocks)


def test_tuples_give_the_same(llama: Path) -> None:
    layers = range(LAYERS + 1)
    expected = load_lm(str(llama)).hidden_states(*batch(), layers)
    states = tupled(llama).hidden_states(*batch(), layers)
    for layer in layers:
        assert states[layer].shape == (3, 11, D)  # the batch, not its first row
        assert torch.equal(states[layer], expected[layer])


def test_token_losses_are_cross_entropy(lm: LanguageModel) -> None:
    ids, mask = batch()
    logits = plain(lm)[1].logits[:, :-1]
    expected = F.cross_entropy(logits.mT, ids[:, 1:].clamp(0), reduction="none")
    losses = lm.token_losses(ids, mask)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected * mask[:, 1:])
    assert losses.count_nonzero() == 10 + 5 + 8


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_identity_edit_changes_no_bit(lm: LanguageModel, layer: int) -> None:
    before = lm.token_losses(*batch())
    with lm.edited(layer, lambda h: h.double()):
        assert torch.equal(lm.token_losses(*batch()), before)


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_edit_is_a_hook_by_hand(lm: LanguageModel, layer: int) -> None:
    def edit(h: Tensor) -> Tensor:  # all but the first position
        return torch.cat([h[:, :1], h[:, 1:] * 0.5 + 1], dim=1)

    def by_hand(_: nn.Module, _args: Any, output: Any) -> Any:
        is_tensor = isinstance(output, Tensor)
        return edit(output) if is_tensor else (edit(output[0]), *output[1:])

    with lm.edited(layer, edit):
        losses = lm.token_losses(*batch())
        seen = lm.hidden_states(*batch(), [layer])[layer]
    unedited = lm.hidden_states(*batch(), [layer])[layer]
    assert torch.equal(seen, edit(unedited))
    if layer == 0:
        block = lm._blocks[0]
        block.register_forward_pre_hook(lambda _, args: (edit(args[0]), *args[1:]))
    else:
        lm._blocks[layer - 1].register_forward_hook(by_hand)
    assert torch.equal(losses, lm.token_losses(*batch()))
    assert not torch.equal(seen, unedited)


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_edit_of_tuples(llama: Path, layer: int) -> None:
    losses = []
    for lm in (load_lm(str(llama)), tupled(llama)):
        with lm.edited(layer, torch.tanh), lm.edited(layer, torch.neg):  # they nest
            losses.append(lm.token_losses(*batch()))
    assert torch.equal(*losses)
    with lm.edited(layer, lambda h: -h.tanh()):
        assert torch.equal(losses[0], lm.token_losses(*batch()))
    assert not torch.equal(losses[0], lm.token_losses(*batch()))


def test_fingerprint_tells_one_bit(llama: Path, tmp_path: Path) -> None:
    lm, again = load_lm(str(llama)), load_lm(str(llama))
    assert lm.fingerprint() == again.fingerprint()
    weight = lm._model.model.layers[1].mlp.up_proj.weight
    weight.data.view(torch.int32)[3, 4] ^= 1
    assert lm.fingerprint() != again.fingerprint()
    half = load_lm(str(llama), dtype="bfloat16")
    assert half.fingerprint() != again.fingerprint()


def test_shape_and_embeddings(folder: Path, lm: LanguageModel) -> None:
    assert read_config(str(folder))[:3] == (LAYERS, D, VOCAB)
    assert (lm.n_layers, lm.d_model, lm.vocab_size) == (LAYERS, D, VOCAB)
    weights = {id(w): w.numel() for w in lm._model.parameters()}
    assert lm.n_params == sum(weights.values())
    rows = lm.input_embeddings()
    assert torch.equal(rows, lm._model.get_input_embeddings().weight)
    rows.zero_()  # a copy
    assert lm.input_embeddings().any()


@pytest.mark.parametrize(
    ("family", "positions"), [("gpt2", 1024), ("llama", 2048), ("bloom", None)]
)
def test_positions_are_those_of_the_configuration(
    family: str, positions: int | None, tmp_path: Path
) -> None:
    assert read_config(str(save(family, tmp_path))).max_tokens == positions


def test_narrow_weights(llama: Path) -> None:
    lm = load_lm(str(llama), device="auto", dtype="bfloat16")
    states = lm.hidden_states(*batch(), [2])[2]
    assert states.dtype == torch.bfloat16
    assert unit_states(states[0]).dtype == torch.float32
    assert lm.token_losses(*batch()).dtype == torch.float32
    assert lm.input_embeddings().dtype == torch.float32


def test_loading_is_quiet(llama: Path, capfd: pytest.CaptureFixture[str]) -> None:
    level = transformers.logging.get_verbosity()
    load_lm(str(llama))
    assert capfd.readouterr() == ("", "")
    assert transformers.logging.get_verbosity() == level
    assert transformers.logging.is_progress_bar_enabled()


def test_unit_states() -> None:
    states = torch.tensor([[3.0, 4.0], [0.0, -2.0]])
    assert torch.equal(unit_states(states), torch.tensor([[0.6, 0.8], [0.0, -1.0]]))
    assert torch.equal(states, torch.tensor([[3.0, 4.0], [0.0, -2.0]]))


@pytest.mark.parametrize("bad", [0.0, torch.nan, torch.inf])
def test_states_without_direction(bad: float) -> None:
    states = torch.ones(5, 4)
    states[2:4] = bad
    with pytest.raises(StateError, match=f"hidden state 2 has norm {bad:g}, so it"):
        unit_states(states)


@pytest.mark.parametrize("layer", [-1, LAYERS + 1])
def test_unknown_layer(llama: Path, layer: int) -> None:
    message = f"no layer {layer} in LlamaForCausalLM: it has 0 to 3"
    with pytest.raises(AddressError, match=message):
        load_lm(str(llama)).hidden_states(*batch(), [1, layer])


def refusal(checkpoint: str | Path, *args: Any, **named: Any) -> str:
    """Give the one line with which a checkpoint is refused."""
    with pytest.raises(CheckpointError) as caught:
        load_lm(str(checkpoint), *args, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for location in (
        str(tmp_path / "no"),
        "./no",
        "models/toy/step1",
        "~/no-such-folder",
    ):
        assert refusal(location).startswith(f"no checkpoint folder {location}; check")
        with pytest.raises(CheckpointError, match="no checkpoint folder"):
            read_config(location)


def test_hub_name_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    message = refusal("no-such-user/no-model", "step10")
    start = "cannot load the language model no-such-user/no-model at revision step10: "
    assert message.startswith(start)
    assert message.endswith("or a name on the hub")


def test_a_folder_has_no_revision(llama: Path) -> None:
    assert "a folder has no revisions; put {step} in its path" in refusal(llama, "main")


@pytest.mark.parametrize("family", BIDIRECTIONAL)
def test_a_model_that_sees_later_tokens_is_refused(family: str, tmp_path: Path) -> None:
    save(family, tmp_path, config=BIDIRECTIONAL[family])
    said = f"{tmp_path} is not a causal language model: changing a token changes the "
    message = refusal(tmp_path)
    assert message.startswith(said)
    assert "use a decoder-only model" in message


@pytest.mark.parametrize("family", BIDIRECTIONAL)
def test_the_same_as_a_decoder_is_read(family: str, tmp_path: Path) -> None:
    save(family, tmp_path, config=BIDIRECTIONAL[family], is_decoder=True)
    assert load_lm(str(tmp_path)).n_layers == LAYERS


def test_narrow_models_are_tried_too(tmp_path: Path, llama: Path) -> None:
    save("bert", tmp_path, config=BIDIRECTIONAL["bert"])
    for dtype in ("bfloat16", "float16"):
        assert "is not a causal language model" in refusal(tmp_path, dtype=dtype)
        assert load_lm(str(llama), dtype=dtype).n_layers == LAYERS


@pytest.mark.parametrize("model_type", ["t5", "bart", "marian"])
def test_an_encoder_decoder_is_refused_as_one(model_type: str, tmp_path: Path) -> None:
    transformers.AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    said = f"{tmp_path} is an encoder-decoder model ({model_type}): what its decoder "
    assert refusal(tmp_path).startswith(said)
    with pytest.raises(CheckpointError, match="is an encoder-decoder model"):
        read_config(str(tmp_path))


def test_remote_code_is_named(llama: Path, tmp_path: Path) -> None:
    config = json.loads((llama / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text("raise SystemExit")
    message = refusal(tmp_path)
    assert "brings Python code of its own, which bisae does not run" in message
    assert "--trust-remote-code" in message


def test_the_whole_of_another_librarys_message_is_told() -> None:
    assert one_line(ValueError("Errors:\n  - no weights\n")) == "Errors: - no weights"
    assert one_line(ValueError()) == "ValueError()"
    long = one_line(ValueError("begin " + 900 * "x" + " the cause"))
    assert len(long) < 320
    assert long.startswith("begin ")
    assert long.endswith(" the cause")


class Evil:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_may_hold_tensors_and_runs_no_code(
    llama: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    weights = load_file(llama / "model.safetensors")
    torch.save(weights, tmp_path / "pytorch_model.bin")
    assert load_lm(str(tmp_path)).fingerprint() == load_lm(str(llama)).fingerprint()
    torch.save(weights | {"x": Evil(tmp_path / "ran")}, tmp_path / "pytorch_model.bin")
    assert "cannot load the language model" in refusal(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_only_whole_weights(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    weights = load_file(llama / "model.safetensors")
    gone = "model.layers.1.mlp.up_proj.weight"
    save_file(
        {k: w for k, w in weights.items() if k != gone},
        tmp_path / "model.safetensors",
        {"format": "pt"},
    )
    assert f"it lacks 1 weights, such as {gone}" in refusal(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    assert str(tmp_path) in refusal(tmp_path)
    (tmp_path / "config.json").unlink()
    assert "config.json" in refusal(tmp_path)


def test_device_and_dtype(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = "device 'cuda' was requested, but PyTorch sees no CUDA device; use auto"
    assert refusal(llama, device="cuda") == message
    assert "gpu" in refusal(llama, device="gpu")
    message = "no dtype 'int8': choose auto, float32, bfloat16, float16"
    assert refusal(llama, dtype="int8") == message
    assert load_lm(str(llama), device="auto", dtype="auto").device.type == "cpu"


def test_unknown_architecture(llama: Path) -> None:
    model = load_lm(str(llama))._model
    model.model.layers = nn.ModuleDict(
        {str(i): m for i, m in enumerate(model.model.layers)}
    )
    with pytest.raises(CheckpointError, match="LlamaForCausalLM are its 3 blocks"):
        LanguageModel(model)


# -- lower blocks once ----------------------------------------------------------------


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_a_resumed_pass_is_a_whole_one(lm: LanguageModel, layer: int) -> None:
    with lm.caching(layer) as remaining:
        whole = lm.token_losses(*batch())
    assert torch.equal(remaining.state, lm.hidden_states(*batch(), [layer])[layer])
    with lm.edited(layer, lambda h: h * 1.5):
        edited = lm.token_losses(*batch())
    assert not layer or can_skip(lm, layer)  # it is tried before
    worked: list[int] = []
    for number, block in enumerate(lm._blocks, start=1):
        inside = next(iter(block.children()))
        inside.register_forward_hook(lambda *_, number=number: worked.append(number))
    with lm.resume_from_layer(layer, remaining, remaining.state):
        assert torch.equal(lm.token_losses(*batch()), whole)
    with lm.resume_from_layer(layer, remaining, remaining.state * 1.5):
        assert torch.equal(lm.token_losses(*batch()), edited)
    assert worked == 2 * list(range(layer + 1, LAYERS + 1))
    assert torch.equal(lm.token_losses(*batch()), whole)


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_tuples_are_resumed_too(llama: Path, layer: int) -> None:
    lm = tupled(llama)
    with lm.caching(layer) as remaining:
        whole = lm.token_losses(*batch())
    with lm.resume_from_layer(layer, remaining, remaining.state):
        assert torch.equal(lm.token_losses(*batch()), whole)
    with lm.resume_from_layer(layer, remaining, -remaining.state):
        assert not torch.equal(lm.token_losses(*batch()), whole)


@pytest.mark.parametrize("layer", [1, 2, 3, 4])
def test_blocks_that_others_read_are_not_skipped(tmp_path: Path, layer: int) -> None:
    lm = load_lm(str(save("gemma4", tmp_path, config=SHARED_KEYS)))
    with lm.caching(layer) as remaining:
        whole = lm.token_losses(*batch())
    with lm.edited(layer, lambda h: h * 1.5):
        edited = lm.token_losses(*batch())
    with lm.resume_from_layer(layer, remaining, remaining.state):
        assert torch.equal(lm.token_losses(*batch()), whole)
    with lm.resume_from_layer(layer, remaining, remaining.state * 1.5):
        assert torch.equal(lm.token_losses(*batch()), edited)
    assert lm.skip_trials == {layer: layer == 4}


@pytest.mark.parametrize("name", [*CACHELESS, *HYBRID])
def test_recurrent_blocks_are_skipped_where_that_is_exact(
    tmp_path: Path, name: str
) -> None:
    config = (CACHELESS | HYBRID)[name]
    lm = load_lm(str(save(name, tmp_path, config=config)))
    with lm.caching(2) as remaining:
        lm.token_losses(*batch())
    with lm.edited(2, lambda h: h * 1.5):
        edited = lm.token_losses(*batch())
    with lm.resume_from_layer(2, remaining, remaining.state * 1.5):
        assert torch.equal(lm.token_losses(*batch()), edited)
    assert lm.skip_trials == {2: True}


def test_nothing_is_kept_before_a_pass(llama: Path) -> None:
    lm = load_lm(str(llama))
    with lm.caching(1) as remaining, pytest.raises(LookupError, match="before a pass"):
        _ = remaining.state
    with pytest.raises(AddressError, match="no layer 9"), lm.caching(9):
        pass
