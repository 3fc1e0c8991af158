"""Plain drawings: lines as SVG, for pages without the chart library, for print and for readers.

Colours come from the classes of the page's style.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec

__all__ = ["Line", "drawing"]

_WIDTH: Final = 1000
_HEIGHT: Final = 300


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line over time.

    Attributes:
        times: any unit, rising.
        values: as many.
        colour: number of its colour, 0 to 3.
    """

    times: Sequence[float]
    values: Sequence[float]
    colour: int = 0


def drawing(lines: Sequence[Line], label: str) -> str:
    """Lines over one time and one scale of values, which they share.

    Args:
        lines: may be empty, or without points.
        label: what is to be seen.
    """
    ends = [time for line in lines for time in (*line.times[:1], *line.times[-1:])]
    values = [value for line in lines for value in line.values]
    shapes = []
    if ends:
        first, span = min(ends), (max(ends) - min(ends)) or 1.0
        low, height = min(values), (max(values) - min(values)) or 1.0
        for line in lines:
            points = " ".join(
                f"{_WIDTH * (time - first) / span:.1f},"
                f"{_HEIGHT - _HEIGHT * (value - low) / height:.1f}"
                for time, value in zip(line.times, line.values, strict=True)
            )
            shapes.append(f'<polyline class="line-{line.colour % 4}" points="{points}"/>')
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(shapes)}</svg>'
    )
