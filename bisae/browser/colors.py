"""The colours of a heat map: the scale of the report's figures, dark for low values."""

from typing import NamedTuple

SCALE = ((68, 1, 84), (59, 82, 139), (33, 144, 141), (93, 200, 99), (170, 220, 50))
"""Viridis at equal distances, up to 0.88 of it."""
LIGHT = 0.5
"""Share of the scale from which black text is easier to read than white."""


class Scale(NamedTuple):
    """A scale from the lowest to the highest value shown."""

    low: float
    high: float

    def style(self, value: float) -> str:
        """Return the CSS of a value's cell."""
        share = (value - self.low) / (self.high - self.low or 1)
        ink = "#000" if share > LIGHT else "#fff"
        return f"background: rgb({', '.join(map(str, _color(share)))}); color: {ink}"


def _color(share: float) -> list[int]:
    position = min(max(share, 0), 1) * (len(SCALE) - 1)
    first = min(int(position), len(SCALE) - 2)
    return [
        round(a + (b - a) * (position - first))
        for a, b in zip(SCALE[first], SCALE[first + 1], strict=True)
    ]
