"""`/api/v1/ws/candles`: a chart's candles, live, as far back as one scrolls (O-W3, O-S13)."""

from collections.abc import Sequence
from typing import Final

from headwater.analytics.chart_candles import candle_count
from headwater.api.lookup import demand, demand_candles
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.candles import (
    CandleUpdateView,
    HistoricalCandlesView,
    LoadHistoryRequest,
)
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalPingRequest,
    TerminalPongView,
)
from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.addresses import TIMEFRAME
from headwater.api.terminal.candle_feed import CandlesFeed
from headwater.api.terminal.declaration import (
    CHART_WIDTH,
    EXCHANGE,
    IntervalParameter,
    TerminalSocket,
)
from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.requests import RequestReader, error_view
from headwater.api.terminal.session import TerminalSession
from headwater.api.terminal.symbols import TerminalSymbol, terminal_symbol
from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.services.candle_history import CandleHistory

_TIMEFRAME: Final = IntervalParameter(
    name=TIMEFRAME,
    words="Length of a candle; the path may end in it instead.",
    allowed=tuple(Interval),
    default=Interval.M1,
)

CANDLES: Final = TerminalSocket(
    name="candles",
    description=(
        "A chart's candles: first `historical_candles`, oldest first, as many as fill its width "
        "three times (200 to 1000), then each change, close and correction, none missing between "
        "the two. `load_history` asks for older ones, one request at a time. An `error` tells "
        "what cannot be had; the socket stays open."
    ),
    parameters=(EXCHANGE, _TIMEFRAME, CHART_WIDTH),
    requests=(TerminalPingRequest, LoadHistoryRequest),
    answers=(HistoricalCandlesView, CandleUpdateView, TerminalPongView, TerminalErrorView),
    addresses=(
        "candles?symbol=BTCUSDT&timeframe=1m&container_width=800",
        "candles/BTCUSDT/1h?container_width=1200",
        "candles/BTC-USDT?timeframe=5m",
    ),
    said=('{"type":"ping"}', '{"type":"load_history","before":1731000000000,"limit":100}'),
)
"""The socket."""


class CandlesSession(TerminalSession):
    """One chart.

    Args:
        desk: the feeds.
        contract: whose candles.
        interval: length of a candle.
        count: candles that it begins with.
        stored: past candles; None where nothing is stored.

    Raises:
        PlatformError: the venue refuses, or there is no room.
    """

    requests = RequestReader[View](CANDLES.requests)

    def __init__(
        self,
        desk: FeedDesk,
        contract: TerminalSymbol,
        interval: Interval,
        count: int,
        stored: CandleHistory | None,
    ) -> None:
        super().__init__(desk)
        self._count = count
        self._is_loading = False
        self._feed = self.join(
            CandlesFeed.key_of(contract, interval),
            lambda: CandlesFeed(desk, contract, interval, stored, count),
            CandlesFeed,
        )

    def start(self, feed: SharedFeed) -> None:
        """Sends the chart's first candles; from here on the client hears of every later one."""
        assert feed is self._feed, "there is one"
        if self._feed.has(self._count) or self._feed.is_failing:
            self._send_newest()
        else:
            self.work(self._reach(), "first candles")

    def answer(self, request: View) -> Sequence[View]:
        """Begins to look for older candles."""
        if not isinstance(request, LoadHistoryRequest):
            return super().answer(request)
        if self._is_loading:
            words = "one load_history at a time; this one was ignored"
            now_ms = self.desk.clock.now_ms()
            return [TerminalErrorView(code="RATE_LIMITED", message=words, timestamp=now_ms)]
        self._is_loading = True
        self.work(self._load(request), "older candles")
        return []

    def _send_newest(self) -> None:
        self.send([self._feed.newest(self._count)])
        self.listen([self._feed.topic_key])

    async def _reach(self) -> None:
        """Begins a chart that is wider than those before it."""
        try:
            await self._feed.reach(self._count)
        except PlatformError as error:
            self.tell(encode(error_view(error, self.desk.clock.now_ms())))
        self._send_newest()

    async def _load(self, request: LoadHistoryRequest) -> None:
        try:
            self.send([await self._feed.older(request)])
        finally:
            self._is_loading = False


def open_candles(
    desk: FeedDesk, stored: CandleHistory | None, rest: str, query: str
) -> StreamAccepted:
    """Begins a client of `/api/v1/ws/candles`; see `Opener`.

    Args:
        desk: the feeds.
        stored: past candles; None where nothing is stored.
        rest: what follows the socket's name in the path.
        query: not decoded, without the `?`.

    Raises:
        PlatformError: a part of the address is wrong, or the venue refuses.
    """
    address = CANDLES.read(rest, query)
    interval = _TIMEFRAME.read(address)
    assert interval is not None, "it has a default"
    count = candle_count(CHART_WIDTH.read(address))
    contract = terminal_symbol(desk.sources, EXCHANGE.read(address), address.symbol, desk.symbols)
    demand(contract.source, "ohlc")
    demand_candles(contract.source, interval, TIMEFRAME)
    return CandlesSession(desk, contract, interval, count, stored).accepted
