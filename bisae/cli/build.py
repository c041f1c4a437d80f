"""Commands that build: demo, pretrain, build and its stages, intervene."""

from contextlib import closing
from functools import partial
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

if TYPE_CHECKING:
    from bisae.pipeline.build import Engine
    from bisae.store import Store


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

    from bisae.pipeline.local import build_in_turn

    _build(path, None, build_in_turn, trust=False)


def _show_overview(store: str, size: str) -> None:
    """Print the trends of a size's middle layer as far as it is built."""
    from bisae.store import open_store

    query = f"from overview where size = '{size}'"
    _show_answer(open_store(Path(store)), query)
    say(f"the middle layer of {size}, as far as it is built; the rest follows")


@click.command()
@study_argument
@click.option(
    "--only", metavar="size=SIZE,...", help="Some sizes; each may be repeated."
)
@format_option
@trust_option
@reports_errors
def pretrain(study: Path, only: str | None, style: str, *, trust: bool) -> None:
    """Train the study's small language models, as ordinary checkpoints.

    Prints the perplexity of each on held-out text, by language. Models as small as
    the toy's leave most of a second core idle, so train two sizes side by side.

    Example: bisae pretrain toy/toy.toml --only size=0.2M
    """
    from bisae.grid import parse_sizes
    from bisae.pretrain import perplexities, pretrain
    from bisae.study import load_study

    sizes = parse_sizes(only)
    loaded = load_study(study, trust_remote_code=trust)
    pretrain(loaded, sizes)
    show(perplexities(loaded), style)


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
    from bisae.pipeline.prepare import search
    from bisae.study import load_study
    from bisae.train import learning_rates

    searched = search(load_study(study, trust_remote_code=trust))
    show(learning_rates(searched), style)


@click.command()
@study_argument
@only_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: a task for each checkpoint, on the machines of a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="The Ray cluster to join; by default one is started on this machine.",
)
@click.option(
    "--wait",
    is_flag=True,
    help="Be one of several workers: stay until everything is built or failed.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="With --wait or ray, also try what failed twice.",
)
@trust_option
@reports_errors
def build(
    study: Path,
    only: str | None,
    engine: str,
    address: str | None,
    *,
    wait: bool,
    retry_failed: bool,
    trust: bool,
) -> None:
    """Build a study: run all stages, validate and report; resumes where it stopped.

    A checkpoint that fails does not keep the others from being built; the end lists
    what failed. With --wait, any number of processes on any number of machines build
    one study together.

    Example: bisae build toy/toy.toml --only size=0.5M,step=900
    """
    from bisae.pipeline.local import build_as_worker, build_in_turn

    if (address or engine == "ray") and (wait or engine == "local"):
        msg = "--address belongs to --engine ray, which waits without --wait"
        raise click.UsageError(msg)
    chosen: Engine = build_in_turn
    if wait:
        chosen = partial(build_as_worker, retry_failed=retry_failed)
    if engine == "ray":
        from bisae.pipeline.ray.driver import build_with_ray

        chosen = partial(
            build_with_ray,
            path=study,
            address=address,
            retry_failed=retry_failed,
            trust_remote_code=trust,
        )
    _build(study, only, chosen, one_of_many=wait, trust=trust)


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


def _build(
    path: Path,
    only: str | None,
    engine: "Engine",
    *,
    one_of_many: bool = False,
    trust: bool,
) -> None:
    """Build, print the trends of the middle layers, then check and report.

    Of many workers only one checks and reports.
    """
    from bisae.checks import load_checks
    from bisae.errors import LeaseHeld
    from bisae.grid import parse_selection
    from bisae.pipeline.build import build
    from bisae.study import load_study

    study = load_study(path, trust_remote_code=trust)
    if study.validation:
        load_checks(Path(study.validation.folder))  # raises for a malformed file
    store = build(study, parse_selection(only), engine=engine)
    _show_answer(store, "from overview")
    try:
        with store.lease("reports", wait=not one_of_many):
            _check_and_report(store)
    except LeaseHeld as error:
        say(f"{error}: all is built")


def _check_and_report(store: "Store") -> None:
    """Run all checks and write the report. Raises CheckFailed."""
    from bisae.checks import as_records, failures, validate
    from bisae.errors import CheckFailed
    from bisae.report import report

    results = validate(store)
    page = report(store, as_records(results))
    say(f"store  {store.path}\nreport {page}")
    if failed := failures(results):
        msg = f"{len(failed)} of {len(results)} checks failed; "
        msg += f"`bisae validate {store.path}` shows which"
        raise CheckFailed(msg)
