"""Write a study as a page: fill docs/study.md.jinja from the views of a store.

    python docs/study.py STUDY.toml [--seed STORE] [--public STORE] [--output FILE]

Reads the store of the study, the perplexities next to its checkpoints and, if there
are any, a store of the same study with another seed and one of a public model; writes
Markdown, and copies figures of the study's report next to it, below `images/study`.
Every number comes from a query in the template, so the page can be written again when
the stores change.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from bisae.formats import Rows
from bisae.formats.markup import markdown
from bisae.pretrain import perplexities
from bisae.query import Connection, columns_of, connect, rows_of
from bisae.report.numbers import readable
from bisae.report.printed import printed_table
from bisae.store import Store, open_store
from bisae.study import Study, load_study
from bisae.tables.compare import compare_findings

FOLDER = Path(__file__).parent
FIGURES = "images/study"


class Page:
    """Answers of a connection, printed for the template to show."""

    def __init__(self, con: Connection, study: Study, output: Path) -> None:
        self._con, self.study, self._output = con, study, output

    def exists(self, *names: str) -> bool:
        """Say whether the store has all these tables and views."""
        return columns_of(self._con).keys() >= {*names}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Answer a query with a row for each record."""
        return rows_of(self._con, query).records()

    def value(self, query: str) -> str:
        """Answer a query for one value, printed with four significant digits."""
        ((value,),) = rows_of(self._con, query).values
        return readable(value)

    def table(self, query: str) -> str:
        """Answer a query with a table in Markdown; intervals join their values."""
        answer = rows_of(self._con, query)
        return markdown(*printed_table(answer)) if answer.values else "No rows.\n"

    def figure(self, name: str, caption: str) -> str:
        """Copy a figure of the store's report, if it was drawn, and link to it."""
        drawn = Path(self.study.store) / "reports" / "figures" / f"{name}.png"
        if not drawn.exists():
            return ""
        folder = self._output.parent / FIGURES
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(drawn, folder / drawn.name)
        return f"![{caption}]({FIGURES}/{drawn.name})\n"


@contextmanager
def opened(store: Store, seeds: list[Store]) -> Iterator[Connection]:
    """Connect to a store, with the tables `perplexities` and `seed_findings`."""
    with closing(connect(store)) as con:
        _register(con, "perplexities", perplexities(store.study))
        if seeds:
            _register(con, "seed_findings", compare_findings([store, *seeds]))
        yield con


def _register(con: Connection, name: str, rows: Rows) -> None:
    if rows.values:
        con.register(name, pa.Table.from_pylist(rows.records()))


def write(study: Study, seeds: list[Store], public: Store | None, output: Path) -> None:
    """Write the page and its figures."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = readable
    with ExitStack() as stack:
        con = stack.enter_context(opened(open_store(study.store), seeds))
        pages = {"page": Page(con, study, output), "public": None}
        if public:
            con = stack.enter_context(closing(connect(public)))
            pages["public"] = Page(con, public.study, output)
        text = environment.get_template("study.md.jinja").render(pages)
    output.write_text(text, encoding="utf-8")


def main() -> None:
    """Parse the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--seed", nargs="*", default=[], help="stores of other seeds")
    parser.add_argument("--public", help="a store of a public model")
    parser.add_argument("--output", type=Path, default=FOLDER / "study.md")
    options = parser.parse_args()
    seeds = [open_store(path) for path in options.seed]
    public = open_store(options.public) if options.public else None
    write(load_study(options.study), seeds, public, options.output)


if __name__ == "__main__":
    main()
