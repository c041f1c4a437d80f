"""The base class of a study file's sections, and the ranges of their numbers.

The ranges are what tables, seeds and file names can hold.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LARGEST = 2**53
"""Maximum of steps, tokens and other counts: float64 holds every integer up to it."""
WIDEST = 2**17
"""Maximum values per row: a model's width, tokens of a window, slots of a code."""
MOST_CODES = 2**15 - 1
MOST_LAYERS = 10_000
Positive = Annotated[int, Field(gt=0, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Layer = Annotated[int, Field(ge=0, le=MOST_LAYERS)]
Width = Annotated[int, Field(gt=0, le=WIDEST)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A frozen section of the study file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
