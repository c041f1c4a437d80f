"""Matches of `bisae lineage` are shown where reading all firings takes long."""

import pytest

from bisae.browser import neighbours
from bisae.grid import parse_selection
from bisae.store import Store
from bisae.tables.lineage import export_lineage
from support.browsing import serving


def test_matches_of_lineage_are_those_of_firings(
    copy: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of supported features, which alone are matched; forwards and backwards."""
    export_lineage(copy, parse_selection("size=M,layer=1,step=5,step=40"))
    monkeypatch.setattr(neighbours, "FIRINGS_AT_ONCE", 0)
    supported = "column=supported&is=eq&value=true"
    n_compared = 0
    with serving(copy) as site:
        for cell, other in (("M/40/1", "M/5/1"), ("M/5/1", "M/40/1")):
            features = site.get(f"/{other}.json?{supported}").rows
            numbers = {row["feature"] for row in features}
            for row in site.get(f"/{cell}.json?{supported}").rows[:3]:
                path = f"/{cell}/{row['feature']}"
                page = site.get(path).text
                assert "Find all neighbours" in page
                assert "Not computed." in page  # in the other layers
                rows = site.get(f"{path}.json?rows=matches%20in%20{other}").rows
                query = (
                    "select other, jaccard from co_firing where (size, step, layer) = "
                    f"{cell_values(cell)} and feature = {row['feature']} and "
                    f"(other_size, other_step, other_layer) = {cell_values(other)}"
                )
                with site.library.open(copy.cells, "co_firing") as con:
                    overlaps = dict(con.execute(query).fetchall())
                best = sorted(
                    numbers & overlaps.keys(), key=lambda i: (-overlaps[i], i)
                )
                assert [match["other"] for match in rows] == best[: len(rows)]
                n_compared += len(rows)
    assert n_compared > 6


def cell_values(cell: str) -> str:
    size, step, layer = cell.split("/")
    return f"('{size}', {step}, {layer})"
