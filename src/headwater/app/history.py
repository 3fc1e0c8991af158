"""What keeps stored history whole, put together for the feeds of a run."""

from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from headwater.app.settings import Settings
from headwater.app.venues import chosen_venues
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS
from headwater.feeds.interest_reach import reach_ms
from headwater.feeds.venue_feed import VenueFeed
from headwater.services.backfill import BackfillProgress, VenueBackfill
from headwater.services.history_series import InterestPeriod, VenueOffer
from headwater.services.stream_life import (
    RECORDED,
    FormerLife,
    LiveStream,
    StreamKey,
    StreamLife,
    read_former,
)
from headwater.services.trade_backfill import TradeQuestions
from headwater.services.venue_history import HistoryPlan, VenueHistory
from headwater.storage.store import Store
from headwater.venues.facts import VenueFacts

KEPT_INTERVALS: Final = (Interval.M1, Interval.M15)
"""Lengths of candles that are kept whole, besides the supported ones: what maps are made of. Of
the mark price these alone."""

_DAY_MS: Final = Interval.D1.nominal_ms


async def read_formers(store: Store, settings: Settings) -> dict[str, FormerLife]:
    """What an earlier process left, by venue id.

    Raises:
        ConfigError: no such venue.
        StorageError: the database does not answer.
    """
    names = [venue.facts.venue_id for venue in chosen_venues(settings)]
    return {name: await read_former(store, name) for name in names}


class Histories:
    """The histories of all venues of a run.

    Args:
        feeds: the venues, by venue id.
        former: what an earlier process left of them.
        settings: name the symbols, lengths and how far back.
        store: keeps everything.
        bus: tells of outages.
        clock: tells the time.
    """

    def __init__(
        self,
        feeds: Mapping[str, VenueFeed],
        former: Mapping[str, FormerLife],
        settings: Settings,
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._bus = bus
        self._clock = clock
        self._lives: dict[str, StreamLife] = {}
        self._histories: dict[str, VenueHistory] = {}
        for name, feed in feeds.items():
            self._add(name, feed, former.get(name, FormerLife()))

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Names and work of the tasks; each wants an owner."""
        for name, life in self._lives.items():
            yield f"{name} stream life", life.run()
        for name, history in self._histories.items():
            yield f"{name} history", history.run()

    def progress(self) -> list[BackfillProgress]:
        """How far the back-fill of each venue is."""
        return [history.progress for history in self._histories.values()]

    def _add(self, name: str, feed: VenueFeed, former: FormerLife) -> None:
        offer = offer_of(feed, self._settings)
        life = StreamLife(
            name,
            feed.pipeline.ledger,
            self._bus,
            self._store,
            self._clock,
            former=former,
            live=lambda: live_streams(feed),
            wanted=_wanted(self._settings),
            has_interest_history=bool(offer.interest),
            gathered_s=lambda channel: feed.facts.gathered_s.get(channel, 0.0),
        )
        backfill = VenueBackfill(name, feed, self._store, self._clock, lambda: feed.rest_load)
        plan = HistoryPlan(
            offer=offer,
            reach_days=self._settings.backfill_days,
            threshold_usd=self._settings.large_trade_threshold_usd,
            instruments=lambda: _supported(feed, self._settings),
            ready=feed.wait_ready,
        )
        questions = TradeQuestions(
            between=feed.fetchers.trades_between,
            newest=feed.fetchers.trades_newest,
            wait=backfill.wait_for_budget,
        )
        self._lives[name] = life
        self._histories[name] = VenueHistory(
            plan, backfill, life, questions, self._store, self._bus, self._clock
        )


def offer_of(feed: VenueFeed, settings: Settings) -> VenueOffer:
    """What history a venue gives of what is to be kept."""
    facts = feed.facts

    def has(capability: str) -> bool:
        support = facts.capabilities.get(capability)
        return support is not None and support.available

    def offered(wanted: Iterable[Interval]) -> tuple[Interval, ...]:
        return tuple(one for one in wanted if one in facts.intervals)

    wanted = dict.fromkeys((*KEPT_INTERVALS, *settings.supported_intervals))
    return VenueOffer(
        exchange=facts.venue_id,
        candles=offered(wanted) if has("ohlc") else (),
        mark_candles=offered(KEPT_INTERVALS) if has("mark_candles") else (),
        candles_max=facts.candles_max,
        interest=(
            interest_periods(facts, round(settings.backfill_days * _DAY_MS))
            if has("open_interest_history")
            else ()
        ),
        interest_max=facts.open_interest_max,
        funding=has("funding_history"),
    )


def interest_periods(facts: VenueFacts, back_ms: int) -> tuple[InterestPeriod, ...]:
    """Periods of a venue's open-interest history that reach back so far together.

    Args:
        facts: of the venue.
        back_ms: how far back is wanted, ms.

    Returns:
        The finest, and each longer one that goes further back, until one goes back far enough.
    """
    found: list[InterestPeriod] = []
    for period in sorted(facts.open_interest_periods, key=lambda one: one.nominal_ms):
        reach = reach_ms(facts, period)
        before = found[-1].reach_ms if found else 0
        if before is None or before >= back_ms:
            break
        if reach is None or reach > before:
            found.append(InterestPeriod(period=period, reach_ms=reach))
    return tuple(found)


def live_streams(feed: VenueFeed) -> Sequence[LiveStream]:
    """The streams of a venue that carry data now.

    Liquidations are one stream of the whole market, also where the venue has one per contract:
    what a single one of them misses, its own hole in the ledger tells.
    """
    found: dict[StreamKey, LiveStream] = {}
    for health in feed.health().channels:
        if health.state is not FeedState.LIVE:
            continue
        is_market = health.channel is Channel.LIQUIDATIONS
        symbol = ALL_SYMBOLS if is_market else health.symbol
        if (health.channel, symbol) in found:
            continue
        instrument = feed.table.by_symbol(symbol)
        following = None
        if health.channel is Channel.TRADES:
            following = feed.pipeline.trades.next_sequence(symbol)
        found[health.channel, symbol] = LiveStream(
            channel=health.channel,
            symbol=symbol,
            native_symbol=symbol if instrument is None else instrument.native_symbol,
            last_sequence=None if following is None else following - 1,
        )
    return list(found.values())


def _wanted(settings: Settings) -> frozenset[StreamKey]:
    """Streams that are held for the platform's life and whose records are stored."""
    single = RECORDED - {Channel.LIQUIDATIONS}
    keys = {(channel, symbol) for channel in single for symbol in settings.supported_symbols}
    return frozenset(keys | {(Channel.LIQUIDATIONS, ALL_SYMBOLS)})


def _supported(feed: VenueFeed, settings: Settings) -> list[Instrument]:
    found = (feed.table.by_symbol(symbol) for symbol in settings.supported_symbols)
    return [instrument for instrument in found if instrument is not None]
