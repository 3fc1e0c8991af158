"""Views of the streams over all venues (requirements T-W2 to T-W4); each message names its type."""

from typing import Literal

from headwater.api.schemas.base import IsoTime, View
from headwater.api.schemas.market import LargeTradeView, LiquidationView
from headwater.core.enums import SpikeMethod
from headwater.core.intervals import Interval


class AnyLiquidationView(LiquidationView, frozen=True, kw_only=True, gc=False):
    """A forced close on any venue.

    Attributes:
        type: tells the messages of one socket apart.
    """

    type: Literal["liquidation"] = "liquidation"


class AnyLargeTradeView(LargeTradeView, frozen=True, kw_only=True, gc=False):
    """A trade on any venue whose value reaches what the client asked for.

    Attributes:
        type: tells the messages of one socket apart.
    """

    type: Literal["large_trade"] = "large_trade"


class OiSpikeView(View, frozen=True, kw_only=True, gc=False):
    """Open interest or volume of one closed bar stands out.

    Attributes:
        type: tells the messages of one socket apart.
        exchange: venue id.
        symbol: canonical symbol.
        native_symbol: the venue's own.
        timestamp: end of the bar.
        timeframe: length of the bar.
        method: which score was held against the threshold.
        threshold: the score is beyond this.
        z_oi: score of the open interest, signed, 2 decimals; null without one.
        z_vol: score of the quote volume, signed, 2 decimals; null without one.
        confirmed: whether both stand out.
        open_interest_value: open interest at the end of the bar, USD.
        quote_volume: quote volume of the bar, USD.
    """

    type: Literal["oi_spike"] = "oi_spike"
    exchange: str
    symbol: str
    native_symbol: str
    timestamp: IsoTime
    timeframe: Interval
    method: SpikeMethod
    threshold: float
    z_oi: float | None
    z_vol: float | None
    confirmed: bool
    open_interest_value: float
    quote_volume: float
