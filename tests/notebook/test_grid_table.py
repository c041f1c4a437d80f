"""The table of a store's grid: text in a terminal, HTML in a notebook."""

import bisae
from bisae.grid import Cell
from bisae.notebook.grid import finished_layers
from bisae.store import Store, table_file


def test_a_step_that_a_size_lacks_is_empty() -> None:
    cells = [Cell("S", 0, 1), Cell("S", 9, 1), Cell("M", 9, 1), Cell("M", 9, 2)]
    frame = finished_layers(cells, [cells[0], cells[3]])
    assert frame.to_dict("split") == {
        "index": [0, 9],
        "columns": ["S", "M"],
        "data": [["1 of 1", ""], ["0 of 1", "1 of 2"]],
    }


def test_a_store_shows_what_is_finished(copy: Store) -> None:
    store = bisae.open(str(copy.path))
    table_file(copy, "features", Cell("M", 40, 1)).unlink()
    path, summary, _, *table = repr(store).splitlines()
    assert path == store.path
    assert summary.startswith("study tiny, languages en, ja: 14 of 15 cells are ")
    assert [line.split() for line in table] == [
        ["size", "S", "M"],
        ["step"],
        ["0", "2", "of", "2", "3", "of", "3"],
        ["5", "2", "of", "2", "3", "of", "3"],
        ["40", "2", "of", "2", "2", "of", "3"],
    ]
    html = store._repr_html_()
    assert summary in html
    counts = [html.count(f"<td>{n}</td>") for n in ("2 of 2", "3 of 3", "2 of 3")]
    assert counts == [3, 2, 1]
