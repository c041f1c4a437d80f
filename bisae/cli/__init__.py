"""The commands, in pipeline order; each parses options and calls one function."""

import click

from bisae import __version__
from bisae.cli.build import (
    build,
    demo,
    encode,
    export,
    intervene,
    lr_search,
    pretrain,
    train,
)
from bisae.cli.check import check, compare, lineage, report, uncertainty, validate
from bisae.cli.inspect import catalog, explore, status, views
from bisae.cli.plan import fingerprint, plan
from bisae.cli.sql import sql
from bisae.cli.transfer import cp, export_sae, rm, verify

GROUPS = {
    "Start": (demo, plan, fingerprint),
    "Build": (pretrain, lr_search, build, train, encode, export, check),
    "Look": (status, views, sql, explore, report, catalog),
    "Check": (validate, verify, uncertainty, lineage, compare),
    "Intervene": (intervene,),
    "Manage stores": (cp, rm, export_sae),
}
"""The commands in the order of a study's life, under the headings of the help."""


class Commands(click.Group):
    """Commands whose help lists them in groups, each with its whole first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of GROUPS, not of the alphabet."""
        return list(self.commands)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write each group under its heading."""
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(command.name or "", _first_line(command)) for command in commands]
                )


def _first_line(command: click.Command) -> str:
    return (command.help or "").partition("\n")[0].rstrip(".")


@click.group(cls=Commands)
@click.version_option(__version__)
def main() -> None:
    """Follow how a language model's features form, over sizes, steps and layers.

    Start with `bisae demo`. A STUDY is a TOML file, a STORE the folder it builds,
    or an object store's URL: s3://bucket/prefix.
    """


for commands in GROUPS.values():
    for command in commands:
        main.add_command(command)
