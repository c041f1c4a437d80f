"""The claims at the head of the page: the tests that decide each, and its verdict.

Reads the tables of the report; reports/claims.html.jinja words them. All are about the
largest model; the tables have the other sizes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bisae.report.tables import Table

ORDER = "order of all sizes"
"""The test of sizes that has no interval; it decides no claim."""
VERDICTS = ("no", "confounded", "undecided", "negligible", "yes")
"""A claim of several differences has the first of these that any of them has."""

Test = Mapping[str, Any]
"""A row of one of the findings' views; one of `findings` has `finding_settings` too."""


class Claim(NamedTuple):
    """One sentence of the paper, and the tests that decide whether it holds here."""

    name: str
    """The finding; "layers", for example."""
    size: str
    tests: list[Test]
    order: Test | None
    """The test of the order of all sizes."""
    n_tests: int
    """Tests of the finding in all: of other sizes and other measures too."""
    n_yes: int

    @property
    def verdict(self) -> str:
        """The verdict on the claim: `yes` only if it is that of every test."""
        verdicts = {test["verdict"] for test in self.tests}
        return next(verdict for verdict in VERDICTS if verdict in verdicts)


def read_claims(tables: Mapping[str, Table]) -> list[Claim]:
    """Return the claims whose tests this study has, in the paper's order."""
    sizes = [row["size"] for row in records(tables.get("overview"))]
    if not sizes:
        return []
    selections = _selections(sizes[0], sizes[-1])
    by_name = _tests(tables)
    claims = [
        _claim(name, sizes[-1], by_name[name], selection)
        for name, selection in selections.items()
    ]
    return [claim for claim in claims if claim.tests]


def _selections(smallest: str, largest: str) -> dict[str, Test]:
    """Return, for each claim, the values of the tests that decide it."""
    finding = {"of_size": largest, "measure": "mixed_share"}
    return {
        "turn": finding,
        "layers": finding,
        "sizes": {**finding, "comparison": f"{largest} over {smallest}"},
        "alignment": {
            "of_size": largest,
            "comparison": "retrieval by codes over tokens",
        },
        "coherence": {
            "of_size": largest,
            "comparison": "across languages, by embeddings",
        },
        "steering": {"language": "all", "control": "same norm"},
    }


def _tests(tables: Mapping[str, Table]) -> dict[str, list[Test]]:
    """Return all tests of each claim, at every size and by every measure."""
    findings = _with_settings(tables)
    by_name = {
        name: [test for test in findings if test["finding"] == name]
        for name in ("turn", "layers", "sizes")
    }
    steering: list[Test] = [
        {**test, "control": test["comparison"].rpartition(", ")[2]}
        for test in records(tables.get("steering_findings"))
    ]
    return {
        **by_name,
        "alignment": records(tables.get("alignment_findings")),
        "coherence": records(tables.get("coherence_findings")),
        "steering": steering,
    }


def _claim(name: str, largest: str, rows: list[Test], selection: Test) -> Claim:
    tests = [test for test in rows if test["verdict"]]
    main = [test for test in tests if selection.items() <= test.items()]
    orders = [test for test in tests if test["comparison"] == ORDER]
    return Claim(
        name=name,
        size=main[-1].get("size", largest) if main else largest,
        tests=main,
        order=next((t for t in orders if t["measure"] == "mixed_share"), None),
        n_tests=len(tests),
        n_yes=sum(test["verdict"] == "yes" for test in tests),
    )


def _with_settings(tables: Mapping[str, Table]) -> list[Test]:
    """Return the tests of `findings`, each with its row of `finding_settings`."""
    key = ("finding", "comparison", "of_size", "measure")
    settings = {
        tuple(row[name] for name in key): row
        for row in records(tables.get("finding_settings"))
    }
    return [
        {**settings.get(tuple(row[name] for name in key), {}), **row}
        for row in records(tables.get("findings"))
    ]


def records(table: Table | None) -> list[Test]:
    """Return the rows of a table by column; none without the table."""
    return [*table.rows.records()] if table else []
