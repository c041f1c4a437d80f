"""Cells removed from a copied store: fewer cells take a test less time."""

from pathlib import Path

from click.testing import CliRunner

from bisae.cli import main


def remove_cells(store: Path | str, *selections: str) -> None:
    """Remove cells with `bisae rm`; each selection is one of `--only`."""
    for only in selections:
        words = ["rm", str(store), "--only", only, "--yes"]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
