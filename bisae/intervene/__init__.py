"""The intervention: steer a half-trained model with a fully trained model's features.

Equation 7 on held-out text, with controls that the paper does not have.
"""

from bisae.intervene.plan import Plan, make_plan
from bisae.intervene.run import intervene, open_cell_model
from bisae.intervene.translation_settings import (
    steering_functions,
    translation_settings,
)

__all__ = [
    "Plan",
    "intervene",
    "make_plan",
    "open_cell_model",
    "steering_functions",
    "translation_settings",
]
