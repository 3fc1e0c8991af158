"""What the paper venue assumes where the data do not tell: frozen, printable, part of a result."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from headwater.core.errors import RequestError

EVENTS_MAX = 1_000_000
"""Events kept until they are taken; beyond it the oldest are dropped and counted."""


class MarketTiming(StrEnum):
    """When an order that takes liquidity meets the market."""

    NEXT_EVENT = "next_event"
    SAME_CLOSE = "same_close"


class LimitFill(StrEnum):
    """What fills a resting limit order."""

    THROUGH = "through"
    TOUCH = "touch"
    QUEUE = "queue"


class SlippageModel(StrEnum):
    """How much worse than the market price a taker fills."""

    NONE = "none"
    FIXED_BPS = "fixed_bps"
    BAR_RANGE = "bar_range"
    VOLUME_SHARE = "volume_share"


class LiquidationPrice(StrEnum):
    """At what price a liquidated position is closed."""

    BANKRUPTCY = "bankruptcy"
    TRIGGER = "trigger"


class ExitRule(StrEnum):
    """How the exits of a position fill.

    `venue`: as a venue does it: a take-profit is a market order once it is reached and slips, and
    one that a bar opens beyond fills at that open.

    `stop_first`: as back-tests over bars say it: a take-profit fills at its price, or at a better
    open, without slippage, and a stop within a bar's range comes before the target of its group,
    also where the bar opens beyond the target.
    """

    VENUE = "venue"
    STOP_FIRST = "stop_first"


_TIMING = {
    MarketTiming.NEXT_EVENT: "takers fill at the next event: the next bar's open, trade or quote",
    MarketTiming.SAME_CLOSE: "takers fill at once at the last price seen",
}
_LIMIT = {
    LimitFill.THROUGH: "a resting limit order fills when the market trades through its price",
    LimitFill.TOUCH: "a resting limit order fills when the market touches its price",
    LimitFill.QUEUE: "a resting limit order fills at its price once the quantity ahead has traded",
}
_SLIPPAGE = {
    SlippageModel.NONE: "no slippage",
    SlippageModel.FIXED_BPS: "takers fill {0} bps worse than the market",
    SlippageModel.BAR_RANGE: "takers fill {0} of the bar's range worse than the market",
    SlippageModel.VOLUME_SHARE: "takers fill worse by {0} × their share of the event's volume",
}
_EXITS = {
    ExitRule.VENUE: "take-profits are market orders once they are reached",
    ExitRule.STOP_FIRST: "take-profits fill at their price or a better open, without slippage; a "
    "stop that a bar reaches comes before the target, also where the bar opens beyond it",
}
_LIQUIDATION = {
    LiquidationPrice.BANKRUPTCY: "liquidated positions close at the price that uses up the margin",
    LiquidationPrice.TRIGGER: "liquidated positions close at the price that triggered it",
}


class FillAssumptions(msgspec.Struct, frozen=True, kw_only=True):
    """How orders fill.

    Attributes:
        timing: when takers meet the market.
        limit_fill: what fills resting limit orders. Bars know no queue: there `queue` is `through`.
        queue_ahead: of `queue`, base units assumed ahead at a price whose size no quote tells.
        slippage: model of taker fills. Limit prices bound it; it may leave the bar's range.
        slippage_amount: of the model: bps, fraction of high − low, or fraction of the price at a
            share of 1 of the volume.
        volume_fraction: share of an event's volume that our orders of a contract may take in all,
            in (0, 1]; None fills whole orders.
        is_zero_volume_tradable: whether orders fill in bars of volume 0 (no: nothing traded).
        exits: how stops and take-profits fill.
        liquidation_price: where liquidated positions close.
    """

    timing: MarketTiming = MarketTiming.NEXT_EVENT
    limit_fill: LimitFill = LimitFill.THROUGH
    queue_ahead: Decimal = Decimal(0)
    slippage: SlippageModel = SlippageModel.NONE
    slippage_amount: Decimal = Decimal(0)
    volume_fraction: Decimal | None = None
    is_zero_volume_tradable: bool = False
    exits: ExitRule = ExitRule.VENUE
    liquidation_price: LiquidationPrice = LiquidationPrice.BANKRUPTCY

    def texts(self) -> tuple[str, ...]:
        """Each assumption in a sentence, for reports."""
        volume = self.volume_fraction
        return (
            _TIMING[self.timing],
            _LIMIT[self.limit_fill],
            _SLIPPAGE[self.slippage].format(self.slippage_amount),
            "orders fill whole, whatever the volume"
            if volume is None
            else f"orders take at most {volume} of each event's volume",
            "bars without volume fill orders"
            if self.is_zero_volume_tradable
            else "nothing fills in a bar without volume",
            "in a bar the worse extreme for the position comes first; gaps fill at the open",
            _EXITS[self.exits],
            _LIQUIDATION[self.liquidation_price],
        )


def check_assumptions(assumptions: FillAssumptions) -> FillAssumptions:
    """Passes on assumptions within their ranges.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    amount = assumptions.slippage_amount
    if not (amount.is_finite() and amount >= 0):
        raise RequestError("slippage_amount", amount, "0 or more")
    if assumptions.slippage is SlippageModel.NONE and amount:
        raise RequestError("slippage_amount", amount, "0 with slippage none")
    fraction = assumptions.volume_fraction
    if fraction is not None and not 0 < fraction <= 1:
        raise RequestError("volume_fraction", fraction, "above 0, at most 1, or none")
    ahead = assumptions.queue_ahead
    if not (ahead.is_finite() and ahead >= 0):
        raise RequestError("queue_ahead", ahead, "0 or more base units")
    return assumptions
