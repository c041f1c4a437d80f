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
    plan,
    pretrain,
    train,
)
from bisae.cli.check import compare, report, uncertainty, validate
from bisae.cli.inspect import catalog, status, views
from bisae.cli.sql import sql
from bisae.cli.transfer import cp, rm, verify


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Follow how a language model's features form, over sizes, steps and layers.

    Start with `bisae demo`. A STUDY is a TOML file, a STORE the folder it builds,
    or an object store's URL: s3://bucket/prefix.
    """


for command in (
    demo,
    plan,
    pretrain,
    lr_search,
    build,
    train,
    encode,
    export,
    status,
    views,
    sql,
    catalog,
    validate,
    uncertainty,
    compare,
    intervene,
    verify,
    cp,
    rm,
    report,
):
    main.add_command(command)
