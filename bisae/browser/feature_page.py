"""The page of a feature: examples by strength, metrics, clusters, neighbours.

Reads the tables of its cell, a sample of the cell's codes, and on request the language
model, for the tokens that the feature's direction promotes.
"""

from typing import Any

from bisae.browser.cell_page import HIDDEN, around
from bisae.browser.examples import CONTEXTS, read_examples, shade_examples
from bisae.browser.library import Library
from bisae.browser.neighbours import is_quick, matches, neighbours
from bisae.browser.page import Block, Page, address_is, ask
from bisae.browser.sample import BINS, Activations, read_sample
from bisae.errors import AddressError
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.query import Connection, exported_cells

CONTEXT = "16"
RELATIONS = (
    *("features", "feature_languages", "strength_examples", "document_texts"),
    *("feature_clusters", "position_profile", "firings", "co_firing", "known_matches"),
)


def feature_page(library: Library, cell: Cell, feature: int, query: Any) -> Page:
    """Show a feature. Raises AddressError for one that does not exist."""
    context = query.get("context", CONTEXT)
    if context not in CONTEXTS:
        msg = f"no context {context[:40]!r}: there are {', '.join(CONTEXTS)}"
        raise AddressError(msg)
    _check_exists(library, cell, feature)
    sample, others = read_sample(library.store, cell), around(library, cell)
    activations = sample.activations(feature)
    finished = exported_cells(library.store, [c for c in others.values() if c])
    with library.open([cell, *finished], *RELATIONS) as con:
        blocks = _blocks(con, library, cell, feature, activations)
        width = CONTEXTS[context]
        examples = shade_examples(con, feature, blocks["examples"], sample, width)
        reads_firings = "neighbours" in query or is_quick(con, cell)
        blocks |= _neighbours(con, cell, feature, finished, reads_firings=reads_firings)
    if "lens" in query:
        blocks["lens"] = library.models.lens(library, cell, feature)
    row = next(iter(blocks["feature"].rows.records()), None)
    maximum = row["max_value"] if row else 0.0
    return Page(
        "feature",
        f"Feature {feature} of {cell}",
        blocks,
        {
            "cell": cell,
            "feature": feature,
            "row": row,
            "hidden": HIDDEN,
            "examples": examples,
            "context": context,
            "contexts": [*CONTEXTS],
            "threshold": library.store.study.features.firing_threshold,
            "activations": activations,
            "histogram": activations.histogram(maximum) if maximum else [],
            "bin_words": [
                f"{b / BINS:.0%} to {(b + 1) / BINS:.0%}" for b in range(BINS)
            ],
            "firing_bin": round(library.store.study.features.firing_threshold * BINS),
            "positions": _positions(library, blocks["positions"]),
            "position_words": list(range(library.store.study.corpus.context - 1)),
            "around": others,
            "finished": finished,
            "n_features": library.store.study.sae.n_features,
            "shows_neighbours": reads_firings,
            "has_model": library.has_model(cell),
        },
    )


def _neighbours(
    con: Connection,
    cell: Cell,
    feature: int,
    others: list[Cell],
    *,
    reads_firings: bool,
) -> dict[str, Block]:
    """Return the neighbours in the cell, and the best matches in others, if known."""
    own = {"neighbours": neighbours(con, cell, feature)} if reads_firings else {}
    blocks = {
        f"matches in {other}": matches(
            con, cell, feature, other, reads_firings=reads_firings
        )
        for other in others
    }
    return own | {name: block for name, block in blocks.items() if block}


def _check_exists(library: Library, cell: Cell, feature: int) -> None:
    n = library.store.study.sae.n_features
    if feature >= n:
        msg = f"no feature {feature} in cell {cell}: features are 0 to {n - 1}"
        raise AddressError(msg)


def _blocks(
    con: Connection,
    library: Library,
    cell: Cell,
    feature: int,
    activations: Activations,
) -> dict[str, Block]:
    where = address_is(cell, feature)
    queries = {
        "feature": f"from features where {where}",
        "languages": "select language, n_firings, p from feature_languages "
        f"where {where} order by p desc, language",
        "clusters": "select cluster, n_firings, share, n_tokens, tokens "
        f"from feature_clusters where {where} order by n_firings desc, cluster",
        "positions": "select position, n_firings from position_profile "
        f"where {where} order by position",
    }
    blocks = {name: ask(con, query) for name, query in queries.items()}
    blocks["examples"] = read_examples(con, library.store, cell, feature, activations)
    rows = zip(activations.row.tolist(), activations.value.tolist(), strict=True)
    blocks["activations"] = Block(
        Rows(["token_row", "value"], [*rows]),
        f"select token_row, value from codes where feature = {feature}",
        cell,
    )
    return blocks


def _positions(library: Library, positions: Block) -> list[int]:
    """Return the number of firings at every position of the window."""
    counts = dict(positions.rows.values)
    return [counts.get(p, 0) for p in range(library.store.study.corpus.context - 1)]
