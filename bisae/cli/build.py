"""Commands that build: demo, plan, pretrain, build and its stages, intervene."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bisae.cli.options import (
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
    from bisae.store import Store
    from bisae.study import Study


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("bisae-demo"),
    show_default=True,
    help="Folder for the study, its text, models and store.",
)
@reports_errors
def demo(folder: Path) -> None:
    """Build the toy study, end to end; nothing but this command is needed.

    Example: bisae demo --folder toy
    """
    from bisae.demo.run import build_side_by_side, start_workers, write_study
    from bisae.study import load_study

    start_workers()
    path = write_study(folder)
    study = load_study(path)
    say(f"{path}: generated a small bilingual world and its text")
    build_side_by_side(path, study, lambda size: _show_overview(study.store, size))
    _build(path, None, trust=False)


def _show_overview(store: str, size: str) -> None:
    """Print the trends of a size's middle layer as far as it is built."""
    from bisae.store import open_store

    query = f"from overview where size = '{size}'"
    _show_answer(open_store(Path(store)), query)
    say(f"the middle layer of {size}, as far as it is built; the rest follows")


@click.command()
@study_argument
@click.option(
    "--device",
    type=click.Choice(["h200", "a100", "cpu"]),
    help="Plan for this device; by default the study's own, if this machine has it.",
)
@format_option
@trust_option
@reports_errors
def plan(study: Path, device: str | None, style: str, *, trust: bool) -> None:
    """Estimate the cost of a study: cells, passes, bytes, memory, hours.

    Builds nothing. Needs no checkpoint if the study gives d_model and layers, and no
    environment variable. Local text is counted, and everything that does not fit it is
    reported at once. Plans for an H200 or an A100 use their published numbers, plans
    for this machine's CPU measure it; a study for a GPU that this machine lacks is
    planned for an H200.

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
    from bisae.study import load_draft

    draft, unset = load_draft(study, trust_remote_code=trust)
    for variable, keys in unset.items():
        say(f"{variable} is not set: {', '.join(keys)}")
    chosen = choose_device(draft, device)
    note_slow_bfloat16(on_device(draft, chosen))
    draft, misfits = _count_text(draft)
    placed = on_device(draft, chosen)
    sizes = plan(placed, chosen)
    say(assumptions(placed, chosen))
    show(Rows(list(SizePlan._fields), [tuple(size) for size in sizes]), style)
    for size in sizes:
        say(
            f"{size.size}: {_passes(size.passes)}, since {size.fixed_gb:.1f} GB and "
            f"{size.layer_gb:.1f} a layer go into {size.room_gb:.1f}"
        )
    cells = sum(size.cells for size in sizes)
    disk = sum(size.weights_gb + size.codes_gb + size.tables_gb for size in sizes)
    hours = sum(size.hours for size in sizes)
    say(
        f"{cells} cells, {disk:,.1f} GB, to train and encode about {hours:,.1f} hours "
        f"on {chosen.title}"
    )
    if chosen.memory_gb and device is None:
        this_machine = choose_device(draft, "cpu")
        hours = sum(size.hours for size in plan(draft, this_machine))
        say(f"about {hours:,.0f} hours on {this_machine.title}")
    _say_intervention(placed)
    if misfits:
        raise StudyError("; ".join(misfits))


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


@click.command()
@study_argument
@trust_option
@reports_errors
def pretrain(study: Path, *, trust: bool) -> None:
    """Train the study's tiny language models, as ordinary checkpoints.

    Example: bisae pretrain toy/toy.toml
    """
    from bisae.demo.pretrain import pretrain
    from bisae.study import load_study

    pretrain(load_study(study, trust_remote_code=trust))


@click.command("lr-search")
@study_argument
@format_option
@trust_option
@reports_errors
def lr_search(study: Path, style: str, *, trust: bool) -> None:
    """Try every learning rate on one cell per size and print the best of each size.

    All rates train on the same hidden states. `build` uses the best rates if the study
    has lr = "search".

    Example: bisae lr-search toy/toy.toml
    """
    from bisae.pipeline.build import search
    from bisae.study import load_study
    from bisae.train import learning_rates

    searched = search(load_study(study, trust_remote_code=trust))
    show(learning_rates(searched), style)


@click.command()
@study_argument
@only_option
@trust_option
@reports_errors
def build(study: Path, only: str | None, *, trust: bool) -> None:
    """Build a study: run all stages, validate and report; resumes where it stopped.

    Example: bisae build toy/toy.toml --only size=0.5M,step=900
    """
    _build(study, only, trust=trust)


@click.command()
@study_argument
@only_option
@trust_option
@reports_errors
def train(study: Path, only: str | None, *, trust: bool) -> None:
    """Train the autoencoders, all layers of a checkpoint in one pass.

    Example: bisae train toy/toy.toml --only step=900
    """
    run_stage(study, only, "train", trust=trust)


@click.command()
@study_argument
@only_option
@trust_option
@reports_errors
def encode(study: Path, only: str | None, *, trust: bool) -> None:
    """Encode the evaluation text with the trained autoencoders.

    Example: bisae encode toy/toy.toml
    """
    run_stage(study, only, "encode", trust=trust)


@click.command()
@study_argument
@only_option
@trust_option
@reports_errors
def export(study: Path, only: str | None, *, trust: bool) -> None:
    """Export the tables of the encoded cells; only outdated tables are written.

    Example: bisae export toy/toy.toml
    """
    run_stage(study, only, "export", trust=trust)


@click.command()
@study_argument
@format_option
@trust_option
@reports_errors
def intervene(study: Path, style: str, *, trust: bool) -> None:
    """Steer a half-trained model with a fully trained model's features.

    Measures perplexity, with the settings of the study's [intervention]. Writes the
    tables `interventions`, `intervention_losses` and `intervention_intervals`; prints
    the differences of perplexity, from the view `table_4`. Resumes where it stopped.

    Example: bisae intervene toy/toy.toml
    """
    from bisae.pipeline.intervene import intervene
    from bisae.study import load_study

    store, cell = intervene(load_study(study, trust_remote_code=trust))
    query = f"""
        select control, alpha, m, added, language, n_draws, perplexity, difference,
            difference_low, difference_high, difference_none
        from table_4
        where (size, step, layer) = {(*cell,)}
    """
    _show_answer(store, query, style)


def _show_answer(store: "Store", query: str, style: str = "table") -> None:
    from bisae.query import connect, rows_of

    with closing(connect(store, query=query)) as con:
        show(rows_of(con, query), style)


def run_stage(path: Path, only: str | None, stage: str, *, trust: bool) -> None:
    """Run one stage of a build on the selected cells."""
    from bisae.grid import parse_selection
    from bisae.pipeline.build import build
    from bisae.study import load_study

    study = load_study(path, trust_remote_code=trust)
    build(study, parse_selection(only), (stage,))


def _build(path: Path, only: str | None, *, trust: bool) -> None:
    """Build, print the trends of the middle layers, then check and report."""
    from bisae.checks import as_records, failures, load_checks, validate
    from bisae.errors import CheckFailed
    from bisae.grid import parse_selection
    from bisae.pipeline.build import build
    from bisae.report import report
    from bisae.study import load_study

    study = load_study(path, trust_remote_code=trust)
    if study.validation:
        load_checks(Path(study.validation.folder))  # raises for a malformed file
    store = build(study, parse_selection(only))
    _show_answer(store, "from overview")
    results = validate(store)
    page = report(store, as_records(results))
    say(f"store  {store.path}\nreport {page}")
    if failed := failures(results):
        msg = f"{len(failed)} of {len(results)} checks failed; "
        msg += f"`bisae validate {store.path}` shows which"
        raise CheckFailed(msg)
