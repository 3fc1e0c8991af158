"""`/api/v1/ws/liquidations/{symbol}`: forced closes, and their volume for a chart (O-W4).

A client begins with the newest 50, then gets each one as it is heard of. With `timeframe` it gets
the volume of a chart's buckets too, see `liquidation_volume`. Everything is made once for all
clients of the same symbol, least value and length of bucket (O-S8, O-D6).
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar, Final

from headwater.analytics.chart_candles import candle_count
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalHeartbeatView,
    TerminalPingRequest,
    TerminalPongView,
)
from headwater.api.schemas.terminal.liquidation_volume import (
    DAYS_MAX,
    TerminalLiquidationVolumeView,
)
from headwater.api.schemas.terminal.liquidations import (
    TerminalLiquidationNewsView,
    TerminalLiquidationsView,
    TerminalLiquidationView,
    item_view,
)
from headwater.api.stream_contract import StreamAccepted
from headwater.api.stream_filters import VALUE_MAX_USD
from headwater.api.terminal.addresses import TIMEFRAME
from headwater.api.terminal.declaration import (
    CHART_WIDTH,
    IntervalParameter,
    NumberParameter,
    TerminalSocket,
    TextParameter,
)
from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.liquidation_feeds import LatePast, LiquidationSource, news_of
from headwater.api.terminal.liquidation_past import NEWEST, LiquidationPast
from headwater.api.terminal.liquidation_scope import LiquidationScope, SymbolNumbers, read_scope
from headwater.api.terminal.liquidation_volume import LiquidationVolumeFeed
from headwater.api.terminal.requests import RequestReader
from headwater.api.terminal.session import TerminalSession
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.past_liquidations import FoundOrders

NAME: Final = "liquidations"
"""Of the socket, in its path."""

_EXCHANGE: Final = TextParameter(
    name="exchange",
    words="Venue id, or `all` for every connected one together.",
    default=DEFAULT_EXCHANGE,
)
_TIMEFRAME: Final = IntervalParameter(
    name=TIMEFRAME,
    words="Length of a chart's buckets; without it there is no `liquidation_volume`.",
    allowed=tuple(DAYS_MAX),
)
_LEAST: Final = NumberParameter(
    name="min_value_usd",
    words="Least value of single liquidations, USD, inclusive; volumes have all.",
    default=0.0,
    least=0.0,
    most=VALUE_MAX_USD,
)

LIQUIDATIONS: Final = TerminalSocket(
    name=NAME,
    description=(
        "Forced closes of a symbol on one venue, or on all with `exchange=all`: first the newest "
        "50 that are known, newest first, then each one as it is heard of. With `timeframe` also "
        "the volume of a chart's buckets: its past, then the changed buckets once a second at "
        "most. After 30 s of silence a `heartbeat`."
    ),
    parameters=(_EXCHANGE, _TIMEFRAME, _LEAST, CHART_WIDTH),
    requests=(TerminalPingRequest,),
    answers=(
        TerminalLiquidationsView,
        TerminalLiquidationNewsView,
        TerminalLiquidationVolumeView,
        TerminalHeartbeatView,
        TerminalPongView,
        TerminalErrorView,
    ),
    addresses=(
        f"{NAME}/BTCUSDT",
        f"{NAME}?symbol=BTCUSDT&timeframe=5m&container_width=800",
        f"{NAME}/BTCUSDT?exchange=all&min_value_usd=10000",
    ),
    said=('{"type":"ping"}',),
)
"""The socket."""

SLICE: Final = 256
"""Events told before other tasks get their turn."""


class LiquidationFeed(LiquidationSource):
    """The forced closes of a scope, of at least a value.

    Args:
        desk: where it lives.
        scope: whose liquidations.
        value_min_usd: least value, inclusive.
        past: answers for what was before.

    Raises:
        PlatformError: the venue, or every one, refuses.
    """

    def __init__(
        self, desk: FeedDesk, scope: LiquidationScope, value_min_usd: float, past: LiquidationPast
    ) -> None:
        super().__init__(desk, self.key_of(scope, value_min_usd), scope, past)
        self._value_min_usd = value_min_usd
        self._numbers = SymbolNumbers(scope)
        self._newest: list[TerminalLiquidationView] = []
        self._greeting: bytes | None = None

    @staticmethod
    def key_of(scope: LiquidationScope, value_min_usd: float) -> str:
        """Names it among all feeds."""
        least = f"/{value_min_usd!r}" if value_min_usd > 0 else ""
        return f"{NAME}/{scope.name}{least}"

    async def run(self) -> None:
        """Asks for the newest of the past, then tells each that is heard."""
        found = await self._ask()
        self.note_past(found.missing)
        news = news_of(self.heard(), found.own)
        self._newest = self._views(found)
        self.begin()
        late = LatePast(self, self._ask)
        try:
            while True:
                for start in range(0, len(news), SLICE):
                    if start:
                        await asyncio.sleep(0)
                    self._tell(news[start : start + SLICE])
                answer = late.take()
                if answer is not None:
                    self._take_late(answer)
                news = await self.next_heard(late.wait_s)
        finally:
            await late.close()

    def greeting(self, shown: int) -> bytes:
        """The newest ones; `shown` changes nothing."""
        del shown
        if self._greeting is None:
            view = TerminalLiquidationsView(
                exchange=self.scope.exchange,
                symbol=self.scope.symbol,
                data=tuple(self._newest),
                initial=True,
                timestamp=self.desk.clock.now_ms(),
                missing=self.missing or None,
            )
            self._greeting = encode(view)
        return self._greeting

    async def _ask(self) -> FoundOrders:
        """The newest of the past."""
        wanted = self.scope.wanted(0, self.desk.clock.now_ms())
        return await self.past.newest(wanted, self._value_min_usd)

    def _take_late(self, found: FoundOrders) -> None:
        """What was missing was asked for again; when it is there, everybody begins anew."""
        self.note_past(found.missing)
        if found.missing:
            return
        known = {one.id: one for one in (*self._newest, *self._views(found))}
        newest_first = sorted(known.values(), key=lambda one: -one.timestamp)
        self._newest = newest_first[:NEWEST]
        self._greeting = None
        self.begin_anew()

    def _views(self, found: FoundOrders) -> list[TerminalLiquidationView]:
        """Views of what is known of the past, newest first."""
        return [self._view(one) for one in (*found.own, *found.external)]

    def _tell(self, events: Sequence[Liquidation]) -> None:
        """Tells every client of events, each once, and remembers the newest."""
        for event in events:
            if event.value < self._value_min_usd:
                continue
            view = self._view(event)
            place = bisect_left(self._newest, -view.timestamp, key=lambda one: -one.timestamp)
            self._newest.insert(place, view)
            del self._newest[NEWEST:]
            self._greeting = None
            self.publish(encode(TerminalLiquidationNewsView(data=view)))

    def _view(self, event: Liquidation) -> TerminalLiquidationView:
        return item_view(event, *self._numbers.of(event.exchange))


class LiquidationSession(TerminalSession):
    """What one client of the socket has.

    Args:
        desk: the feeds.
        scope: whose liquidations.
        value_min_usd: least value of single ones.
        timeframe: length of the chart's buckets; None for no chart.
        shown: buckets of the chart that it begins with.
        past: answers for what was before.

    Raises:
        PlatformError: the venue refuses, or there is no room.
    """

    requests: ClassVar[RequestReader[View]] = RequestReader(LIQUIDATIONS.requests)
    has_heartbeat: ClassVar[bool] = True

    def __init__(
        self,
        desk: FeedDesk,
        scope: LiquidationScope,
        value_min_usd: float,
        timeframe: Interval | None,
        shown: int,
        past: LiquidationPast,
    ) -> None:
        super().__init__(desk)
        self._shown = shown
        self._sources: list[LiquidationSource] = []
        self._topics: list[str] = []
        closes = self.join(
            LiquidationFeed.key_of(scope, value_min_usd),
            lambda: LiquidationFeed(desk, scope, value_min_usd, past),
            LiquidationFeed,
        )
        self._sources.append(closes)
        if timeframe is not None:
            volume = self.join(
                LiquidationVolumeFeed.key_of(scope, timeframe),
                lambda: LiquidationVolumeFeed(desk, scope, timeframe, past),
                LiquidationVolumeFeed,
            )
            self._sources.append(volume)

    def start(self, feed: SharedFeed) -> None:
        """Sends a feed's greeting and hears its topic; the single closes first, then the chart."""
        source = next(one for one in self._sources if one is feed)
        self.send([source.greeting(self._shown)])
        if source.hub_topic.key in self._topics:
            return  # it begins anew
        self._topics.append(source.hub_topic.key)
        self.listen(self._topics)
        if len(self._topics) < len(self._sources):
            self._sources[len(self._topics)].greet(self)

    def silent_since_s(self) -> float:
        """When it was last sent something, by its feeds too; in the clock's monotonic seconds."""
        told = (feed.published_at_s for feed in self._sources)
        return max(super().silent_since_s(), *told)


def open_liquidations(
    desk: FeedDesk, past: LiquidationPast, rest: str, query: str
) -> StreamAccepted:
    """Begins a client of `/api/v1/ws/liquidations`; see `Opener`.

    Args:
        desk: the feeds.
        past: answers for what was before.
        rest: what follows the socket's name in the path.
        query: not decoded, without the `?`.

    Raises:
        PlatformError: a part of the address is wrong, or the venue refuses.
    """
    address = LIQUIDATIONS.read(rest, query)
    timeframe = _TIMEFRAME.read(address)
    shown = candle_count(CHART_WIDTH.read(address))
    least = _LEAST.read(address)
    scope = read_scope(desk.sources, _EXCHANGE.read(address), address.symbol, desk.symbols)
    return LiquidationSession(desk, scope, least, timeframe, shown, past).accepted
