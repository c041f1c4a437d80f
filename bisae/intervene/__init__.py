"""The intervention: features of a full model are added to one that is halfway.

Equation 7, on held-out text, with the controls that the paper does not have.
"""

from bisae.intervene.adds import adds, chosen_settings
from bisae.intervene.plan import Plan, make_plan
from bisae.intervene.run import intervene, open_built

__all__ = [
    "Plan",
    "adds",
    "chosen_settings",
    "intervene",
    "make_plan",
    "open_built",
]
