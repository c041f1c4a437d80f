"""The intervention: features of a full model are added to one that is halfway.

Equation 7, on held-out text, with the controls that the paper does not have.
"""

from bisae.intervene.equation import Add
from bisae.intervene.run import (
    adds,
    chosen_settings,
    intervene,
    make_plan,
    open_built,
)

__all__ = [
    "Add",
    "adds",
    "chosen_settings",
    "intervene",
    "make_plan",
    "open_built",
]
