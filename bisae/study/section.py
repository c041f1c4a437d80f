"""What every section of a study file is: frozen, unknown keys are errors.

Also the ranges of its numbers: what tables, seeds and file names can hold.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LARGEST = 2**53
"""Of steps, tokens and other counts: up to it a float64, so a figure, has every one."""
WIDEST = 2**17
"""Values of a row: a model's width, tokens of a window, places of a code."""
MOST_CODES = 2**15 - 1
MOST_LAYERS = 10_000
Positive = Annotated[int, Field(gt=0, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Layer = Annotated[int, Field(ge=0, le=MOST_LAYERS)]
Width = Annotated[int, Field(gt=0, le=WIDEST)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A table of the study file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
