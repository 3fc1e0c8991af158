"""A venue in memory whose candles are set by the test and honour the span that is asked for."""

from collections.abc import Sequence

import msgspec
from tests.api.fake_source import NOW_MS, FakeSource, make_candle
from tests.api.served import Platform

from headwater.core.enums import Channel, FeedState
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, ConnectionState

MINUTE_MS = 60_000
NOW_MINUTE_MS = NOW_MS - NOW_MS % MINUTE_MS


def minute(
    number: int, *, closed: bool = True, close: float = 105.25, revision: int = 0, later: int = 0
) -> Candle:
    """The candle of a minute: number 0 is that of now, -1 the one before.

    Args:
        number: which.
        closed: whether it is final.
        close: its last price; also among its highest.
        revision: of a correction.
        later: nanoseconds by which it came later than another telling.
    """
    made = make_candle(opened_at_ms=NOW_MINUTE_MS + number * MINUTE_MS, is_closed=closed)
    return msgspec.structs.replace(
        made,
        close=close,
        high=max(made.high, close),
        revision=revision,
        received_ns=made.received_ns + later,
    )


class ChartSource(FakeSource):
    """A venue that lists one-minute candles; the last one is forming.

    Attributes:
        first: number of the first one that it has ever had.
        last: number of the last one.
    """

    first = -3000
    last = 0

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """From `start_ms` on, or else the newest ones up to `end_ms`."""
        await super().candles(instrument, interval, limit=1, start_ms=start_ms, end_ms=end_ms)
        self.calls[-1] = f"candles {limit} {_number(start_ms)} {_number(end_ms)}"
        found = [minute(number, closed=number < self.last) for number in self.numbers()]
        found = [one for one in found if start_ms is None or one.timestamp_ms >= start_ms]
        found = [one for one in found if end_ms is None or one.timestamp_ms <= end_ms]
        found = [msgspec.structs.replace(one, interval=interval) for one in found]
        return found[-limit:] if start_ms is None else found[:limit]

    def numbers(self) -> range:
        """Of the candles that it lists."""
        return range(self.first, self.last + 1)


def chart_at(platform: Platform) -> ChartSource:
    """Puts such a venue in the place of the platform's."""
    source = ChartSource("binance")
    platform.sources["binance"] = source
    return source


def candle_state(state: FeedState, reason: str = "") -> ConnectionState:
    """The stream of candles changes its state."""
    return ConnectionState(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        channel=Channel.CANDLES,
        state=state,
        reason=reason,
        since_ms=NOW_MS,
    )


def _number(at_ms: int | None) -> int | None:
    return None if at_ms is None else (at_ms - NOW_MINUTE_MS) // MINUTE_MS
