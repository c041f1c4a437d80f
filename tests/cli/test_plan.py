"""`bisae plan` as a newcomer runs it, and its hours against plain arithmetic."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.lm import chosen_dtype
from bisae.pipeline.devices import (
    GPUS,
    Device,
    choose_device,
    has_bfloat16,
    matmul_rate,
    note_slow_bfloat16,
    on_device,
)
from bisae.pipeline.plan import plan
from bisae.sae import product_dtype
from bisae.study import Study, load_draft
from support import ROOT

PAPER = "examples/llm-jp-3.toml"
EXAMPLES = [f"bisae plan {path.relative_to(ROOT)}" for path in ROOT.glob("examples/*")]
HELP = "\n".join(
    command.get_help(click.Context(command)) for command in main.commands.values()
)
COMMANDS = [
    *(command for command in EXAMPLES if command.endswith(".toml")),
    *re.findall(r"Example: (bisae plan .*)", HELP),
]
TEXT = [{"language": name, "files": ["/text/a.txt"]} for name in ("en", "ja")]
MODEL: dict[str, Any] = {"size": "1M", "checkpoint": "/lm/{step}", "steps": [3, 7]}
MODEL |= {"tokens_per_step": 1, "layers": "1-3", "d_model": 64}
SLOW = MappingProxyType({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False})


def asked(**sections: Any) -> Study:
    raw: dict[str, Any] = {"name": "tiny", "models": [MODEL]}
    raw["corpus"] = {"text": TEXT, "train_tokens": 10**6, "eval_tokens": 10**5}
    return Study.model_validate(raw | sections)


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, no GPU is here, and this is the root of the repository."""
    for name in os.environ:
        if name.startswith(("BISAE_", "LLM_JP")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(ROOT)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


# -- examples -------------------------------------------------------------------------


def test_there_are_examples() -> None:
    assert len(COMMANDS) == 11
    assert COMMANDS[-1].startswith(f"bisae plan {PAPER} ")


@pytest.mark.usefixtures("newcomer")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_can_be_planned_at_once(command: str) -> None:
    result = run(*shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert re.search(
        r"^[\d,]+ cells, .* GB, to (train and )?encode about", result.stderr, re.M
    )


def test_a_process_plans_the_paper_with_an_empty_environment() -> None:
    command = [sys.executable, "-m", "bisae", "plan", PAPER, "--format", "csv"]
    environment = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 6
    assert done.stderr.startswith(
        "BISAE_HOME is not set: store, work_dir\nLLM_JP is not set: models.checkpoint\n"
    )


@pytest.mark.usefixtures("newcomer")
def test_what_is_set_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISAE_HOME", "/nowhere")
    study, unset = load_draft(Path("examples/real-text.toml"))
    assert unset == {"BISAE_DATA": ["corpus.text.files"]}
    assert study.store == "/nowhere/real-text/store"
    assert (
        study.corpus.text[0]
        .files[0]
        .endswith("/$BISAE_DATA/python-docs.en-ja.jsonl.gz")
    )


@pytest.mark.usefixtures("newcomer")
@pytest.mark.parametrize("command", ["build", "train", "pretrain", "intervene"])
def test_only_a_plan_does_without(command: str) -> None:
    result = run(command, PAPER)
    said = "Error: $BISAE_HOME/llm-jp-3/store: the environment variable "
    said += "BISAE_HOME is not set; set "
    assert result.exit_code == 2
    assert result.output == f"{said}it to a folder\n"


# -- devices --------------------------------------------------------------------------


def plain_hours(bfloat16: float, float32: float, beside: float) -> float:
    """The tiny study's hours: 3 layers, d 64, n 32,768; 10^6 and 10^5 tokens, 2 steps.

    `beside` is what a step does beside its product, in seconds an operation.
    """
    forward = 2 * 14 * 64 * 64 * 3
    encoder = 2 * 32_768 * 64 * 3
    train = 1e6 * (forward / bfloat16 + encoder / bfloat16 + encoder * beside)
    encode = 1e5 * (forward / bfloat16 + encoder / float32)
    return 2 * (train + encode) / 3600


def test_a_plan_is_of_all_blocks_of_the_model() -> None:
    """Whichever layers the study has."""
    (few,), (all_blocks,) = (
        plan(asked(models=[MODEL | more]), GPUS["h200"])
        for more in ({}, {"n_layers": 30})
    )
    assert all_blocks.hours > few.hours
    assert all_blocks.fixed_gb > few.fixed_gb
    assert all_blocks.layers == few.layers


@pytest.mark.parametrize(
    ("name", "bfloat16", "float32"), [("h200", 989, 67), ("a100", 312, 19.5)]
)
def test_hours_on_a_gpu(name: str, bfloat16: float, float32: float) -> None:
    fast, slow = 0.7 * bfloat16 * 1e12, 0.7 * float32 * 1e12
    (size,) = plan(asked(), GPUS[name])
    assert size.passes == 1
    assert size.hours == pytest.approx(plain_hours(fast, slow, 0.7 / fast))


@pytest.mark.parametrize("product", ["float32", "bfloat16"])
def test_hours_on_a_cpu(product: str) -> None:
    rates = {torch.float32: 2e11, torch.bfloat16: 8e11}
    study = asked(sae={"product": product}, lm={"device": "cpu", "dtype": product})
    (size,) = plan(study, Device("a CPU", "cpu", rates))
    rate = rates[getattr(torch, product)]
    assert size.hours == pytest.approx(plain_hours(rate, 2e11, 0.42 / 2e11))


def test_a_step_costs_what_was_measured_and_counted() -> None:
    """benchmarks/README.md: 1.42 and 0.65 float32 products on a CPU, 1.7 on an H200."""
    cpu = Device("a CPU", "cpu", {torch.float32: 1.0, torch.bfloat16: 1 / 0.24})
    assert cpu.step_seconds(1, torch.float32) == pytest.approx(1.42)
    assert cpu.step_seconds(1, torch.bfloat16) == pytest.approx(0.65, abs=0.015)
    h200 = GPUS["h200"]
    product = 1 / h200.rates[torch.bfloat16]
    assert h200.step_seconds(1, torch.bfloat16) == pytest.approx(1.7 * product)


@pytest.mark.usefixtures("newcomer")
@pytest.mark.parametrize(
    ("name", "device", "memory_gb", "room"),
    [
        *(("h200", "auto", None, 0.9 * 141), ("a100", "auto", None, 72)),
        *(("h200", "cuda", 60, 60), ("a100", "cuda", 100, 80)),
        *(("a100", "cpu", 3, 72), (None, "cuda", None, 0.9 * 141)),
        (None, "cuda:1", 141, 141),
    ],
)
def test_the_memory_follows_the_device(
    name: str | None, device: str, memory_gb: float | None, room: float
) -> None:
    """A memory_gb of the study holds for its own kind of device."""
    study = asked(lm={"device": device, "memory_gb": memory_gb})
    (size,) = plan(study, choose_device(study, name))
    assert size.room_gb == pytest.approx(room)
    assert size.device_gb > 0


@pytest.mark.usefixtures("newcomer")
def test_a_cpu_uses_what_is_free_here() -> None:
    study = asked(lm={"device": "cuda", "memory_gb": 1e6})
    cpu = choose_device(study, "cpu")
    assert on_device(study, cpu).lm.memory_gb is None
    (size,) = plan(study, cpu)
    assert size.room_gb < 1e5
    assert size.device_gb == 0


def test_this_machine_is_measured() -> None:
    device = choose_device(asked(lm={"device": "cpu"}))
    assert device.title == "this machine's CPU"
    assert device.rates.keys() == {torch.float32}
    assert 1e8 < device.rates[torch.float32] < 1e14
    narrow = asked(lm={"device": "cpu", "dtype": "bfloat16"})
    assert choose_device(narrow).rates.keys() == {torch.float32, torch.bfloat16}


def test_a_rate_is_operations_over_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of 2,048 rows is 2 * 2,048^3 operations; the fastest counts."""
    ticks = iter([0.0, 3.0, 10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert matmul_rate.__wrapped__(torch.device("cpu")) == 2 * 2048**3 / 2


@pytest.mark.usefixtures("newcomer")
def test_a_study_for_a_gpu_is_priced_for_one_and_for_this_machine() -> None:
    stderr = run("plan", PAPER).stderr
    speeds = "692 TFLOP/s in bfloat16 and 47 TFLOP/s in float32"
    assert (
        f"one H200: matrix products at {speeds}, 0.7 of the published peaks; of 141 GB "
        "of memory 126.9 GB may be used\n"
    ) in stderr
    assert "to train and encode about 37.1 hours on one H200\n" in stderr
    assert re.search(r"^about [\d,]{6,} hours on this machine's CPU$", stderr, re.M)
    explicit = run("plan", PAPER, "--device", "h200").stderr
    assert "this machine" not in explicit


# -- bfloat16 -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "has"),
    [
        *(({"avx512_bf16"}, True), ({"amx_bf16"}, True), ({"bf16", "neon"}, True)),
        *(({"avx512_f", "amx_tile"}, False), ({"neon"}, False)),
    ],
)
def test_processors_with_bfloat16(
    monkeypatch: pytest.MonkeyPatch, names: set[str], *, has: bool
) -> None:
    attributes = {name: name in names for name in (*SLOW, "bf16", "neon", *names)}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: attributes)
    assert has_bfloat16() == has


def test_pytorch_tells_what_linux_tells() -> None:
    info = Path("/proc/cpuinfo").read_text()
    assert has_bfloat16() == bool(re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", info))


@pytest.mark.parametrize(
    ("sae", "lm", "said"),
    [
        ("bfloat16", "auto", "[sae] product: this CPU has no instructions"),
        ("auto", "bfloat16", "[lm] dtype: this CPU has no instructions"),
        ("bfloat16", "bfloat16", "[sae] product and [lm] dtype: this CPU has no"),
        ("auto", "auto", ""),
        ("float32", "float16", ""),
    ],
)
def test_slow_bfloat16_is_noted(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sae: str,
    lm: str,
    said: str,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: SLOW)
    study = asked(sae={"product": sae}, lm={"device": "cpu", "dtype": lm})
    note_slow_bfloat16(study)
    stderr = capsys.readouterr().err
    assert stderr.startswith(said)
    assert stderr.count("\n") == bool(said)


def test_who_has_the_instructions_or_a_gpu_reads_no_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: SLOW)
    note_slow_bfloat16(asked(lm={"device": "cuda", "dtype": "bfloat16"}))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    note_slow_bfloat16(asked(lm={"device": "cpu", "dtype": "bfloat16"}))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["plan", "build", "lr-search"])
def test_commands_say_it_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: SLOW)
    text = (ROOT / "examples" / "toy.toml").read_text()
    path = tmp_path / "toy.toml"
    path.write_text(
        text.replace("[lm]\n", '[lm]\ndevice = "cpu"\ndtype = "bfloat16"\n')
    )
    said = "[lm] dtype: this CPU has no instructions for bfloat16, which takes several "
    assert run(command, path).stderr.startswith(said)


def test_auto_is_float32_on_a_cpu() -> None:
    cpu, study = torch.device("cpu"), asked()
    assert chosen_dtype(study.lm.dtype, cpu) == torch.float32
    assert product_dtype(study.sae, cpu) == torch.float32
