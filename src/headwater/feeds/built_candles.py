"""Live candles of intervals that a venue lacks, folded from a smaller one that it has.

One builder per symbol and interval, however many want it; it holds a lease on the source interval
and ends with its last lease. Each candle of the source that the candle keeper publishes is folded
with its neighbours into the bar it belongs to, which goes through the keeper like a candle of the
venue's own: published there and nowhere else, closed once, corrected with the next revision. The
bar that is under way at the start is first shown whole: its earlier parts are fetched by REST.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from headwater.analytics.candles import fold_one, source_interval
from headwater.core.enums import Channel, FeedState, GapCause, GapState
from headwater.core.errors import NotSupported, PlatformError, RequestError, VenueRejected
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.feeds.candle_keeper import CandleKeeper, FetchCandles
from headwater.feeds.pipeline import MarketPipeline, Surroundings
from headwater.feeds.repairs import retry_after_s
from headwater.feeds.source import ChannelHealth, Lease
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.facts import VenueFacts
from headwater.venues.messages import Subscription


class BuiltLease:
    """A hold on a built stream. Made by `BuiltCandles.acquire`."""

    def __init__(self, built: "BuiltCandles", subscription: Subscription) -> None:
        self._built: BuiltCandles | None = built
        self._subscription = subscription

    def release(self) -> None:
        """Gives the hold up; harmless when repeated."""
        built, self._built = self._built, None
        if built is not None:
            built.give_back(self._subscription)


class _Builder:
    """Folds the candles of one symbol into one interval.

    Attributes:
        holders: leases.
        started_ms: opening time of the bar that was under way at the start, None before data.
        heard_ms: opening time of the first candle heard of the source.
        is_settled: whether that bar was seen whole, or has been given up.
        since_ms: wall time since which that is so or not.
    """

    __slots__ = (
        "_born_ms",
        "_keeper",
        "_venue_ms",
        "heard_ms",
        "holders",
        "is_settled",
        "lease",
        "native_symbol",
        "on_part",
        "since_ms",
        "source",
        "started_ms",
        "symbol",
        "wanted",
    )

    def __init__(
        self,
        wanted: Interval,
        source: Interval,
        symbol: str,
        native_symbol: str,
        born_ms: int | None,
        keeper: CandleKeeper,
        venue_ms: Callable[[], int],
        lease: Lease,
    ) -> None:
        self.wanted = wanted
        self.source = source
        self.symbol = symbol
        self.native_symbol = native_symbol
        self.lease = lease
        self.holders = 0
        self.started_ms: int | None = None
        self.heard_ms = 0
        self.is_settled = False
        self.since_ms = 0
        self.on_part: Callable[[Candle], None] = _ignore
        self._born_ms = born_ms
        self._keeper = keeper
        self._venue_ms = venue_ms

    def settle(self, now_ms: int) -> None:
        """The first bar was seen whole, or is given up."""
        self.is_settled = True
        self.since_ms = now_ms

    def health(self, source: ChannelHealth) -> ChannelHealth:
        """What the state of its source makes of it: as good as that, once the first bar is whole.

        Args:
            source: the row of the source stream.
        """
        state, reason = source.state, source.reason
        if state is FeedState.LIVE and not self.is_settled:
            state, reason = FeedState.CONNECTING, "its first bar is not whole yet"
        return msgspec.structs.replace(
            source,
            interval=self.wanted,
            state=state,
            since_ms=max(source.since_ms, self.since_ms),
            reason=f"built of {self.source}: {reason}" if reason else "",
            subscribers=self.holders,
        )

    def build(self, opened_ms: int) -> bool:
        """Hands the bar that opened then to the keeper; false when it has a hole."""
        ends_ms = self.wanted.closes_at_ms(opened_ms)
        parts = self._keeper.parts(self.symbol, self.source, opened_ms, ends_ms)
        bar = fold_one(parts, self.wanted, now_ms=self._venue_ms(), born_ms=self._born_ms)
        if bar is not None:
            self._keeper.on_candle(bar)
        return bar is not None


class BuiltCandles:
    """The builders of one venue; there are at most as many as held streams of their sources.

    Args:
        facts: what the venue has.
        around: clock, instruments and bounds.
        pipeline: its candle keeper publishes the source's candles and the built ones.
        fetch: brings closed candles of the venue's own intervals.
        hold: takes a lease on a stream of the venue's own.
    """

    def __init__(
        self,
        facts: VenueFacts,
        around: Surroundings,
        pipeline: MarketPipeline,
        fetch: FetchCandles,
        hold: Callable[[Subscription], Lease],
    ) -> None:
        self._facts = facts
        self._around = around
        self._keeper = pipeline.candles
        self._ledger = pipeline.ledger
        self._crew = pipeline.crew
        self._fetch = fetch
        self._hold = hold
        self._builders: dict[Subscription, _Builder] = {}

    def acquire(self, wanted: Subscription) -> BuiltLease:
        """Holds a stream of candles that the venue lacks; the first hold begins to build.

        Raises:
            NotSupported: the venue has nothing that the interval could be built of.
            PlatformError: the source cannot be held; see `VenueFeed.acquire`.
        """
        builder = self._builders.get(wanted)
        if builder is None:
            builder = self._builders[wanted] = self._begin(wanted)
        builder.holders += 1
        return BuiltLease(self, wanted)

    def give_back(self, wanted: Subscription) -> None:
        """Ends one hold; called by the lease."""
        builder = self._builders.get(wanted)
        if builder is None:
            return
        builder.holders -= 1
        if builder.holders == 0:
            del self._builders[wanted]
            self._keeper.unlisten(builder.symbol, builder.source, builder.on_part)
            self._keeper.forget(builder.symbol, builder.wanted)
            builder.lease.release()

    @property
    def running(self) -> int:
        """Builders at work."""
        return len(self._builders)

    def channels(self, sources: Iterable[ChannelHealth]) -> tuple[ChannelHealth, ...]:
        """The built streams, for health.

        Args:
            sources: the venue's own streams; that of a builder is always among them.
        """
        rows = {(one.symbol, one.interval): one for one in sources if one.interval is not None}
        found = ((one, rows.get((one.symbol, one.source))) for one in self._builders.values())
        return tuple(builder.health(row) for builder, row in found if row is not None)

    def _begin(self, wanted: Subscription) -> _Builder:
        interval, offered = wanted.interval, self._facts.intervals
        source = None if interval is None else source_interval(interval, offered)
        if interval is None or source is None:
            reason = f"there are {', '.join(offered)}, and what can be built of them"
            raise NotSupported(self._facts.venue_id, f"candles {interval}", reason)
        native_symbol = wanted.native_symbol
        lease = self._hold(
            Subscription(channel=Channel.CANDLES, native_symbol=native_symbol, interval=source)
        )
        assert native_symbol is not None, "no venue has candles of a whole market"
        instrument = self._around.table().by_native(native_symbol)
        builder = _Builder(
            interval,
            source,
            native_symbol if instrument is None else instrument.symbol,
            native_symbol,
            None if instrument is None else instrument.listed_at_ms,
            self._keeper,
            self._venue_ms,
            lease,
        )
        builder.since_ms = self._around.clock.now_ms()
        builder.on_part = partial(self._on_part, wanted, builder)
        self._keeper.listen(builder.symbol, source, builder.on_part)
        return builder

    def _on_part(self, wanted: Subscription, builder: _Builder, part: Candle) -> None:
        """A candle of the source was published: the bar it belongs to is built anew."""
        opened_ms = builder.wanted.opens_at_ms(part.timestamp_ms)
        if builder.started_ms is None:
            builder.started_ms = opened_ms
            builder.heard_ms = part.timestamp_ms
        if opened_ms < builder.started_ms:
            return
        is_built = builder.build(opened_ms)
        if opened_ms > builder.started_ms or builder.is_settled:
            # A hole further on is the keeper's to fill; its parts come here as they are found.
            return
        if is_built:
            builder.settle(self._around.clock.now_ms())
        else:
            work = partial(self._complete, wanted, builder, opened_ms)
            self._crew.submit(("built", builder.symbol, builder.wanted), work)

    async def _complete(self, wanted: Subscription, builder: _Builder, opened_ms: int) -> None:
        """Fetches the parts of the first bar that had passed before the stream began."""
        settings, clock = self._around.settings.candles, self._around.clock
        backoff = self._backoff()
        give_up_at = clock.monotonic() + settings.repair_horizon_s
        answers = 0
        problem = "the venue does not list every part"
        while answers < settings.repair_attempts_max:
            if self._builders.get(wanted) is not builder or builder.is_settled:
                return
            not_before_s = 0.0
            try:
                parts = await self._fetch(
                    builder.native_symbol, builder.source, opened_ms, builder.heard_ms - 1
                )
            except (RequestError, VenueRejected) as error:
                problem = str(error)
                break
            except PlatformError as error:
                problem = str(error)
                not_before_s = retry_after_s(error)
                if clock.monotonic() > give_up_at:
                    break
            else:
                answers += 1
                self._keeper.seed(parts)
                if self._builders.get(wanted) is builder and builder.build(opened_ms):
                    builder.settle(self._around.clock.now_ms())
                    return
            await asyncio.sleep(backoff.next_delay(not_before_s))
        if self._builders.get(wanted) is builder:
            builder.settle(self._around.clock.now_ms())
            self._give_up(builder, opened_ms, problem)

    def _give_up(self, builder: _Builder, opened_ms: int, problem: str) -> None:
        """Notes that the first bar is left out; the next one is whole."""
        gap_id = self._ledger.open(
            Channel.CANDLES,
            builder.symbol,
            builder.native_symbol,
            GapCause.SEQUENCE_BREAK,
            start_ms=opened_ms,
            detail=f"{builder.wanted} candle of {opened_ms}, built of {builder.source}: {problem}",
        )
        self._ledger.settle(gap_id, GapState.UNRECOVERABLE, until_ms=builder.heard_ms)

    def _backoff(self) -> FullJitterBackoff:
        trades = self._around.settings.trades
        return FullJitterBackoff(
            trades.repair_backoff_s, trades.repair_backoff_ceiling_s, self._around.rng
        )

    def _venue_ms(self) -> int:
        return self._around.clock.now_ms() + self._around.offset_ms()


def _ignore(part: Candle) -> None:
    del part
