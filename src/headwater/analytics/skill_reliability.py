"""Whether a map's shares can be taken at their word: what it said beside what came, by decile.

A cell's predicted USD are the map's share times what was realised in the window altogether: a map
says where, not how much. The cells are put in order of that and cut into ten equal parts. A map
that is too sure of itself has too much in the top decile and too little in the others.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.skill_cells import CellTable

DECILES: Final = 10
"""Parts that the cells are cut into."""


class ReliabilityDecile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One part of the reached cells.

    Attributes:
        cells: how many.
        predicted_usd: sum of what the map said.
        realised_usd: sum of what came.
    """

    cells: int
    predicted_usd: float
    realised_usd: float


def reliability(table: CellTable) -> tuple[ReliabilityDecile, ...]:
    """The deciles, lowest prediction first; predicted and realised have the same sum over all.

    Cells of windows without a liquidation are left out: for them the map was asked nothing. Of
    fewer than ten cells some deciles are empty.
    """
    totals = table.per_window(table.usd)[table.window]
    asked = totals > 0.0
    predicted, realised = (table.share * totals)[asked], table.usd[asked]
    order = np.argsort(predicted, kind="stable")
    return tuple(
        ReliabilityDecile(
            cells=len(part),
            predicted_usd=float(predicted[part].sum()),
            realised_usd=float(realised[part].sum()),
        )
        for part in np.array_split(order, DECILES)
    )
