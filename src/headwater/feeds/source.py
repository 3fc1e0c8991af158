"""What the API and the services' wiring may ask of a venue's data, wherever it comes from.

`VenueFeed` answers from the exchange and its live streams, `ReplaySource` from a tape. Both are
`MarketSource`s, so nothing above knows which one it has.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.core.enums import Channel, FeedState
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Gap,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.latency import ChannelLatency
from headwater.venues.facts import VenueFacts
from headwater.venues.messages import Subscription


class ChannelHealth(msgspec.Struct, frozen=True, kw_only=True):
    """State of one live subscription.

    Attributes:
        channel: kind of data.
        symbol: canonical symbol, `*` for the whole market.
        interval: of candles, else None.
        state: what it is now.
        since_ms: wall time since when.
        age_s: seconds since its last data, None before the first.
        reason: why it is not live; empty when it is.
        subscribers: leases on it.
    """

    channel: Channel
    symbol: str
    interval: Interval | None
    state: FeedState
    since_ms: int
    age_s: float | None
    reason: str
    subscribers: int


class VenueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Measured health of one venue.

    Attributes:
        exchange: venue id.
        healthy: data or a probe answered within its limit, no connection is lost, and of each kind
            of data that is wanted at least one stream carries some.
        reason: why it is not healthy; empty when it is.
        last_data_ms: wall time of the last frame or successful reply, None before the first.
        clock_offset_ms: venue clock less ours, None before the first probe.
        breaker: state of the REST circuit breaker: closed, open or half_open.
        used_weight: used REST weight by pool in the current window.
        connections: open WebSocket connections.
        messages: frames received since the start.
        wire_errors: frames that could not be read.
        rest_failures: tries of a REST request that failed or were refused.
        reconnects: connections lost and reopened.
        resyncs: books rebuilt after a gap.
        open_gaps: holes not yet repaired.
        channels: every wanted subscription, built candles among them.
        latencies: how late messages were in the last minute, by channel; empty where not measured.
        gaps_1h: holes that began in the last hour, None where it is not measured.
        reconnects_1h: connections lost in the last hour, None likewise.
        since_start_s: seconds over which `healthy_s` was measured, None where it is not.
        healthy_s: seconds of them in which the venue was healthy.
        last_error: its newest trouble in words, past ones included; None when there was none.
    """

    exchange: str
    healthy: bool
    reason: str
    last_data_ms: int | None
    clock_offset_ms: int | None
    breaker: str
    used_weight: dict[str, int]
    connections: int
    messages: int
    wire_errors: int
    rest_failures: int
    reconnects: int
    resyncs: int
    open_gaps: int
    channels: tuple[ChannelHealth, ...]
    latencies: tuple[ChannelLatency, ...] = ()
    gaps_1h: int | None = None
    reconnects_1h: int | None = None
    since_start_s: float | None = None
    healthy_s: float | None = None
    last_error: str | None = None


class Lease(Protocol):
    """A hold on a live subscription; the stream ends some time after its last lease."""

    def release(self) -> None:
        """Gives the hold up; harmless when repeated."""
        ...


class MarketSource(Protocol):
    """One venue's data. Async methods raise `VenueError`, `WireError` or `NotSupported`."""

    @property
    def facts(self) -> VenueFacts:
        """What the venue is."""
        ...

    @property
    def simulated(self) -> bool:
        """True when the data come from a simulated exchange or a tape."""
        ...

    @property
    def table(self) -> InstrumentTable:
        """All instruments; empty until the first load succeeded."""
        ...

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        """Has the list of instruments loaded anew when it is older; shares a load under way.

        Args:
            max_age_s: a list up to this age in seconds is good enough.

        Returns:
            How often the venue has told its list since the start, whoever asked.
        """
        ...

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles, oldest first; the last one may still be forming."""
        ...

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """The newest trades, oldest first."""
        ...

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """The book, from the kept one when it is live, else from the venue."""
        ...

    async def tickers(self) -> Sequence[Ticker]:
        """24-hour figures of every instrument."""
        ...

    async def mark_prices(self) -> Sequence[MarkPrice]:
        """Mark, index and funding of every instrument."""
        ...

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        """Open interest now."""
        ...

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Open interest by period, oldest first."""
        ...

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The estimate for the coming settlement."""
        ...

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Past settlements, oldest first."""
        ...

    async def predicted_funding(self) -> Sequence[PredictedFunding]:
        """What the venue expects of the coming funding, on itself and on other venues."""
        ...

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Bars of the mark price, oldest first; the last one may still be forming."""
        ...

    async def margin_tiers(self, instrument: Instrument) -> MarginTiers:
        """What the venue demands of positions in one contract, by their size."""
        ...

    async def wallet_positions(self, address: str) -> list[WalletPosition]:
        """Open positions of a public address, read now."""
        ...

    def acquire(self, subscription: Subscription) -> Lease:
        """Asks for a live stream; its records come over the bus.

        Raises:
            NotSupported: the venue has no such channel or interval.
        """
        ...

    def health(self) -> VenueHealth:
        """Measured health now."""
        ...

    def gaps(self) -> Sequence[Gap]:
        """The gap ledger, newest first."""
        ...
