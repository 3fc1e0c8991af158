"""Six stored hours with a trade that can be worked out by hand, for tests of what surrounds it.

Closes 10, 9, 12, 13, 8, 8. Mean of one close against that of two crosses above at hour 2 and below
at hour 4, so `sma_cross` with 1 and 2 buys at the open of hour 3, 12, and sells at that of hour 5,
8. Every hour reaches from 5 to 15.
"""

from typing import Any, Final

from tests.storage.samples import candle, funding

from headwater.core.intervals import Interval

START: Final = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HOUR: Final = 3_600_000
PARAMETERS: Final = {"fast": 1, "slow": 2}
ROWS: Final = ((10, 10), (10, 9), (9, 12), (12, 13), (13, 8), (8, 8))


def hours(**changes: Any) -> list[Any]:
    """The six candles of Binance's BTCUSDT."""
    return [
        _candle(START + at * HOUR, Interval.H1, open_, 15.0, 5.0, close, **changes)
        for at, (open_, close) in enumerate(ROWS)
    ]


def halves(**changes: Any) -> list[Any]:
    """The two halves of hour 3: it reached 15 in the first, and 5 in the second."""
    first = START + 3 * HOUR
    return [
        _candle(first, Interval.M30, 12, 15.0, 11.0, 14, **changes),
        _candle(first + HOUR // 2, Interval.M30, 14, 14.0, 5.0, 13, **changes),
    ]


def payments() -> list[Any]:
    """Before the entry, as it is due; twice while it is held; at the end of the last hour.

    The one of hour 4 was stamped 4 ms late, and by another source on the minute.
    """
    return [
        _paid(3 * HOUR, 0.5),
        _paid(4 * HOUR, 0.001),
        _paid(4 * HOUR + 4, 0.001),
        _paid(5 * HOUR, -0.0005),
        _paid(6 * HOUR, 0.5),
    ]


FUNDED: Final = 10_000 / 12 * (8 - 13 * 0.001 + 8 * 0.0005)
"""Equity at the end with these payments and no fee: the price, less 0.1 % of 13, plus 0.05 % of 8.

The payment of hour 3 is due before the fill at its open, that of hour 5 before the exit.
"""


def _candle(
    at_ms: int, interval: Interval, open_: float, high: float, low: float, close: float, **more: Any
) -> Any:
    given = {"open": float(open_), "high": high, "low": low, "close": float(close), "volume": 1.0}
    series = {"exchange": "binance", "symbol": "BTCUSDT", "interval": interval}
    return candle(at_ms, **{**given, **series, **more})


def _paid(after_ms: int, rate: float) -> Any:
    return funding(START + after_ms, rate=rate)
