"""Which trades of a venue's list were told live, as themselves or as a part of one. Pure.

A live message may gather the fills of one taker order at one price under the id of the last of
them, while REST lists each fill (OKX does so). A listed fill before the live trade's own id is a
part of it as long as it has its moment, price and side and the sum does not exceed its quantity.
The quantity tells more than a count of fills would: it also holds where ids have holes and where
the list gathers too, and the live path has nothing to carry for it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.core.records import Trade

SUM_SLACK: Final = 1e-9
"""Part of a quantity by which a sum of floats may miss it; far below the smallest lot."""


def told_live(listed: Sequence[Trade], live: Mapping[int | str, Trade]) -> dict[int, Trade]:
    """Finds the listed trades that live ones stand for.

    Args:
        listed: the venue's list, oldest first.
        live: trades that came live, by id.

    Returns:
        Place in `listed` → the live trade that it is, or is a part of.
    """
    told: dict[int, Trade] = {}
    for last, row in enumerate(listed):
        trade = live.get(row.trade_id)
        if trade is None:
            continue
        told[last] = trade
        slack = trade.quantity * SUM_SLACK
        left = trade.quantity - row.quantity
        for at in range(last - 1, -1, -1):
            fill = listed[at]
            is_part = (
                left > slack
                and fill.quantity <= left + slack
                and fill.timestamp_ms == trade.timestamp_ms
                and fill.price == trade.price
                and fill.side is trade.side
                and fill.trade_id not in live
            )
            if not is_part:
                break
            told[at] = trade
            left -= fill.quantity
    return told
