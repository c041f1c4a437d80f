"""Commands that look at a study before anything is built: plan and fingerprint."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bisae.cli.options import (
    counted,
    format_option,
    only_option,
    reports_errors,
    say,
    show,
    study_argument,
    trust_option,
)
from bisae.errors import CheckpointError, CorpusError, StudyError

if TYPE_CHECKING:
    from bisae.pipeline.devices import Device
    from bisae.pipeline.plan import SizePlan
    from bisae.study import Study


@click.command()
@study_argument
@only_option
@format_option
@trust_option
@reports_errors
def fingerprint(study: Path, only: str | None, style: str, *, trust: bool) -> None:
    """Check that checkpoints are what their steps say; trains no autoencoder.

    Loads each checkpoint and prints a row for each step: the sha256 of its weights,
    the median norm of their rows, and the cosine to the first step, for the embedding,
    the blocks and the head. Exit status 1 if two steps share weights, if a step is
    unlike two others around it that are like each other, or if one cannot be loaded.

    Example: bisae fingerprint toy/toy.toml --only size=0.5M
    """
    from bisae.errors import CheckFailed
    from bisae.grid import parse_selection
    from bisae.pipeline.fingerprint import fingerprint
    from bisae.study import load_study

    loaded = load_study(study, trust_remote_code=trust)
    series, findings = fingerprint(loaded, parse_selection(only))
    show(series, style)
    for finding in findings:
        say(finding)
    if findings:
        msg = f"{counted(len(findings), 'finding')} about checkpoints"
        raise CheckFailed(msg)
    say(f"nothing is wrong with {counted(len(series.values), 'checkpoint')}")


@click.command()
@study_argument
@click.option(
    "--device",
    type=click.Choice(["h200", "a100", "cpu"]),
    help="Plan for this device; by default the study's own, if this machine has it.",
)
@click.option(
    "--slurm",
    is_flag=True,
    help="Print the script of a SLURM job array instead of the table.",
)
@click.option(
    "--changes",
    is_flag=True,
    help="Instead, list what a build would do in the study's store, and why.",
)
@format_option
@trust_option
@reports_errors
def plan(
    study: Path,
    device: str | None,
    style: str,
    *,
    slurm: bool,
    changes: bool,
    trust: bool,
) -> None:
    """Estimate the cost of a study: cells, passes, bytes, memory, hours.

    Builds nothing. Needs no checkpoint if the study gives d_model and layers, and no
    environment variable. Local text is counted, and everything that does not fit it is
    reported at once. Plans for an H200 or an A100 use their published numbers, plans
    for this machine's CPU measure it; a study for a GPU that this machine lacks is
    planned for an H200. The hub is asked whether every checkpoint exists, if there is a
    network.

    Example: bisae plan examples/llm-jp-3.toml --device a100
    """
    from bisae.formats import Rows
    from bisae.pipeline.devices import (
        assumptions,
        choose_device,
        note_slow_bfloat16,
        on_device,
    )
    from bisae.pipeline.plan import SizePlan, plan
    from bisae.pipeline.slurm import job_script
    from bisae.study import load_draft

    if changes:
        _show_changes(study, style, trust=trust)
        return
    draft, unset = load_draft(study, trust_remote_code=trust)
    for variable, keys in unset.items():
        say(f"{variable} is not set: {', '.join(keys)}")
    chosen = choose_device(draft, device)
    note_slow_bfloat16(on_device(draft, chosen))
    draft, misfits = _count_text(draft)
    misfits += _look_up_checkpoints(draft)
    placed = on_device(draft, chosen)
    sizes = plan(placed, chosen)
    say(assumptions(placed, chosen))
    if slurm:
        click.echo(job_script(placed, study, sizes, chosen), nl=False)
    else:
        show(Rows(list(SizePlan._fields), [tuple(size) for size in sizes]), style)
    _say_costs(placed, sizes, chosen)
    if chosen.memory_gb and device is None:
        this_machine = choose_device(draft, "cpu")
        hours = sum(size.hours for size in plan(draft, this_machine))
        say(f"about {hours:,.0f} hours on {this_machine.title}")
    _say_intervention(placed)
    if misfits:
        raise StudyError("; ".join(misfits))


def _say_costs(study: "Study", sizes: "list[SizePlan]", device: "Device") -> None:
    """Print the passes of each size and why, and the totals."""
    for size in sizes:
        sae = study.model(size.size).sae
        memory = f"{size.fixed_gb:.1f} GB and {size.layer_gb:.1f} a layer"
        if sae:
            say(f"{size.size}: imported from {sae}, to encode with {memory}")
        else:
            passes = _passes(size.passes)
            say(f"{size.size}: {passes}, since {memory} go into {size.room_gb:.1f}")
    cells = sum(size.cells for size in sizes)
    disk = sum(size.weights_gb + size.codes_gb + size.tables_gb for size in sizes)
    hours = sum(size.hours for size in sizes)
    work = "train and encode" if study.trains else "encode"
    say(
        f"{counted(cells, 'cell')}, {disk:,.1f} GB, to {work} about "
        f"{hours:,.1f} hours on {device.title}"
    )


def _count_text(study: "Study") -> tuple["Study", list[str]]:
    """Return the study with numbers of tokens, and what does not fit the text."""
    from bisae.corpus import batch_misfit
    from bisae.pipeline.plan import count_text

    try:
        return count_text(study)
    except (CorpusError, CheckpointError) as error:
        if study.corpus.asks_for_shares:
            msg = f"{error}; without its text, give the study numbers of tokens"
            raise StudyError(msg) from error
        say(f"the text is not counted: {error}")
        batch = batch_misfit(study, study.corpus.tokens["train"])
        return study, [batch] if batch else []


def _show_changes(path: Path, style: str, *, trust: bool) -> None:
    """Print what a build would do in the store of a study."""
    from bisae.pipeline.changes import changes
    from bisae.study import load_study

    rows = changes(load_study(path, trust_remote_code=trust))
    if rows.values:
        show(rows, style)
    else:
        say("a build would do nothing")


def _look_up_checkpoints(study: "Study") -> list[str]:
    """Return the checkpoints that the hub does not have; note if it cannot be asked."""
    from bisae.lm.revisions import missing_checkpoints

    try:
        return missing_checkpoints(study)
    except CheckpointError as error:
        say(f"checkpoints are not looked up: {error}")
        return []


def _say_intervention(study: "Study") -> None:
    """Print the memory that [intervention] takes."""
    from bisae.pipeline.plan import plan_intervention

    if added := plan_intervention(study):
        text = (
            f"intervene, {added.size}: {added.measuring_gb:.1f} GB, one model at a time"
        )
        if added.translating_gb is not None:
            text += f"; {added.translating_gb:.1f} GB to translate, with both, and "
            text += f"{added.token_mb:.2f} MB a token that is read"
        say(text)


def _passes(number: int) -> str:
    if number == 0:
        return "not even one layer fits"
    return "one pass for all layers" if number == 1 else f"{number} passes"
