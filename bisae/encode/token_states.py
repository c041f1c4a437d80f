"""Average the hidden states of each token of the vocabulary over the evaluation text.

Writes the vectors of the source `states`, next to the embeddings.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bisae.files import write_with_checksum
from bisae.grid import Cell
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import States
from bisae.store import Store, vector_files


def missing_states(store: Store, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cell of [semantic.states] if it is one of `cells` and not averaged."""
    cell = store.study.states_cell()
    if cell is None or cell not in cells or vector_files(store)["states"].exists():
        return []
    return [cell]


class TokenStates:
    """The sums of unit hidden states, one for each token of the vocabulary."""

    def __init__(self, store: Store, lm: LanguageModel, cell: Cell) -> None:
        """`cell` is that of [semantic.states], and `lm` its model."""
        self._store, self._layer = store, cell.layer
        vocabulary = store.corpus_attributes()["vocab_size"]
        self._sums = torch.zeros(vocabulary, lm.d_model, device=lm.device)

    def add(self, states: States) -> None:
        """Add the states of some documents."""
        x = unit_states(states.layers[self._layer])
        self._sums.index_add_(0, states.token_id.to(x.device), x)

    def write(self) -> None:
        """Write unit rows, (vocabulary, d), float16; zero for a token without states.

        Raises LeaseLost.
        """
        file = vector_files(self._store)["states"]
        with (
            write_with_checksum(file, self._store.check_leases) as temporary,
            temporary.open("wb") as opened,
        ):
            np.save(opened, _unit_rows(self._sums).cpu().numpy())


def _unit_rows(sums: Tensor) -> Tensor:
    return torch.nn.functional.normalize(sums, dim=1).half()
