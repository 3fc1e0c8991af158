"""A venue's data in memory: typed, deterministic, with errors that can be switched on."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from headwater.analytics.margin import build_tiers
from headwater.core.enums import (
    Channel,
    FeedState,
    GapCause,
    GapState,
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
    SpikeMethod,
)
from headwater.core.errors import PlatformError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier, MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkCandle,
    MarkPrice,
    OiVolumeSpike,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.latency import ChannelLatency
from headwater.feeds.source import ChannelHealth, VenueHealth
from headwater.venues.facts import Addresses, LimitPool, StreamLimits, Support, VenueFacts
from headwater.venues.messages import Subscription

NOW_MS: Final = 1_731_000_000_123
"""2024-11-07T17:20:00.123Z: the time of every record here."""

_MINUTE_MS: Final = 60_000


def make_instrument(symbol: str = "BTCUSDT", exchange: str = "binance") -> Instrument:
    """A perpetual."""
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal("0.10"),
        quantity_step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal("1E+2"),
        funding_interval_h=8.0,
        listed_at_ms=1_569_398_400_000,
        expires_at_ms=None,
    )


def make_candle(
    symbol: str = "BTCUSDT",
    interval: Interval = Interval.M1,
    opened_at_ms: int = NOW_MS - NOW_MS % _MINUTE_MS,
    *,
    is_closed: bool = False,
) -> Candle:
    """A candle."""
    return Candle(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=opened_at_ms,
        received_ns=NOW_MS * 1_000_000,
        interval=interval,
        open=100.0,
        high=110.5,
        low=99.5,
        close=105.25,
        volume=12.5,
        quote_volume=1300.0,
        trades_count=42,
        is_closed=is_closed,
        taker_buy_volume=6.25,
    )


def make_trade(number: int = 1, symbol: str = "BTCUSDT") -> Trade:
    """The `number`th trade."""
    return Trade(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS + number,
        received_ns=(NOW_MS + number) * 1_000_000 + 2_000_000,
        side=Side.BUY,
        price=67890.1,
        quantity=0.015,
        value=1018.3515,
        trade_id=str(number),
        sequence=number,
    )


def make_large_trade(symbol: str = "BTCUSDT") -> LargeTrade:
    """A large trade."""
    return LargeTrade(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        side=Side.SELL,
        price=67890.0,
        quantity=2.0,
        value=135780.0,
        trade_id="77",
        is_buyer_maker=True,
    )


def make_spike(
    symbol: str = "BTCUSDT", exchange: str = "binance", interval: Interval = Interval.M5
) -> OiVolumeSpike:
    """A spike of open interest."""
    return OiVolumeSpike(
        exchange=exchange,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS - NOW_MS % 300_000,
        received_ns=NOW_MS * 1_000_000,
        interval=interval,
        method=SpikeMethod.CLASSIC,
        threshold=3.0,
        z_oi=3.14159,
        z_volume=None,
        confirmed=False,
        open_interest_usd=9e8,
        volume_usd=1e6,
    )


def make_liquidation(symbol: str = "BTCUSDT") -> Liquidation:
    """A long that was closed by force."""
    return Liquidation(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        price=67000.0,
        quantity=0.5,
        value=33500.0,
        price_kind=PriceKind.AVERAGE,
        order_id=None,
        is_floor=True,
        order_price=66900.0,
    )


LEVELS_MAX: Final = 1_005
"""Levels a side of the deepest book that a venue here tells."""


def make_book(symbol: str = "BTCUSDT", depth: int = 3) -> BookSnapshot:
    """A book with `depth` levels a side."""
    return BookSnapshot(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        bids=tuple((100.0 - step, 1.5) for step in range(depth)),
        asks=tuple((101.0 + step, 2.5) for step in range(depth)),
        sequence=99,
    )


def make_ticker(symbol: str = "BTCUSDT", *, bid: float | None = 99.5) -> Ticker:
    """A ticker that knows its last price, and perhaps its bid."""
    return Ticker(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        bid=bid,
        last=100.0,
        volume_24h=1000.0,
        quote_volume_24h=100000.0,
        change_24h=-0.0125,
    )


def make_mark_price(symbol: str = "BTCUSDT") -> MarkPrice:
    """A mark price."""
    return MarkPrice(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        mark=100.01,
        index=100.02,
        funding_rate=0.0001,
        next_funding_ms=1_731_024_000_000,
    )


def make_funding_rate(symbol: str = "BTCUSDT") -> FundingRate:
    """A settlement."""
    return FundingRate(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        rate=-0.0001,
        interval_h=8.0,
        funding_time_ms=1_731_024_000_000,
    )


def make_predicted_funding(coin: str = "BTC", venue: str = "HlPerp") -> PredictedFunding:
    """What is expected of one coin on one venue; of others' intervals nothing is known."""
    own = venue == "HlPerp"
    return PredictedFunding(
        exchange="hyperliquid",
        symbol=f"{coin}USDT",
        native_symbol=f"{coin}USDT",
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        venue=venue,
        rate=0.0000125 if own else None,
        interval_h=1.0 if own else None,
        next_funding_ms=1_731_024_000_000 if own else None,
    )


THREE_TIERS = build_tiers([(0.0, 0.004, 125.0), (50e3, 0.005, 100.0), (600e3, 0.01, 50.0)], 3e6)
"""Deductions 0, 50 000 × 0.1 % = 50 and 50 + 600 000 × 0.5 % = 3 050."""


def make_margin_tiers(instrument: Instrument, tiers: tuple[MarginTier, ...]) -> MarginTiers:
    """Tiers of one contract; by quantity when the first one says so."""
    by_quantity = tiers[0].quantity_cap is not None
    return MarginTiers(
        exchange=instrument.exchange,
        symbol=instrument.symbol,
        native_symbol=instrument.native_symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        tiers=tiers,
        source="GET /tiers",
        reference_price=50_000.0 if by_quantity else None,
    )


def make_open_interest(symbol: str = "BTCUSDT") -> OpenInterest:
    """A reading whose value the venue does not tell."""
    return OpenInterest(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        open_interest=80000.5,
        value=None,
    )


def make_gap(number: int = 1, state: GapState = GapState.OPEN) -> Gap:
    """The `number`th hole."""
    return Gap(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS + number,
        received_ns=(NOW_MS + number) * 1_000_000,
        gap_id=number,
        channel=Channel.TRADES,
        cause=GapCause.DISCONNECT,
        state=state,
        until_ms=None if state is GapState.OPEN else NOW_MS + number + 5,
        first_sequence=1,
        last_sequence=9,
        recovered=0,
        detail="connection lost",
    )


def make_facts(venue_id: str = "binance") -> VenueFacts:
    """A venue that offers everything but open-interest history and tickers' quotes."""
    offered = Support(available=True, source="rest")
    missing = Support(available=False, note="the venue keeps none")
    return VenueFacts(
        venue_id=venue_id,
        display_name=venue_id.title(),
        environments={"live": Addresses(rest="https://venue.invalid", streams={})},
        pools=(LimitPool(name="ip", capacity=2400, window_s=60.0),),
        stream_limits=StreamLimits(
            max_age_s=None,
            max_streams=1024,
            messages_per_s=10.0,
            topics_per_message=100,
            connects_per_window=300,
            connect_window_s=300.0,
            heartbeat_s=None,
            quiet_limit_s=600.0,
        ),
        channels={
            **dict.fromkeys(Channel, offered),
            Channel.MARK_PRICES: missing,
        },
        capabilities={
            "ohlc": offered,
            "trades": offered,
            "order_book": offered,
            "tickers": offered,
            "mark_prices": offered,
            "open_interest": offered,
            "open_interest_history": offered,
            "funding_rate": offered,
            "funding_history": missing,
            "predicted_funding": missing,
            "mark_candles": missing,
            "margin_tiers": offered,
        },
        intervals=(Interval.M1, Interval.M5, Interval.H1),
        open_interest_periods=(Interval.M5, Interval.H1),
        candles_max=1500,
        funding_max=1000,
        open_interest_max=500,
        trades_max=1000,
        book_depths=(5, 100, 1000),
        stale_after_s={},
        features=("tape",),
        documentation="https://venue.invalid/docs",
    )


class FakeLease:
    """Counts how often it was released."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.released = 0

    def release(self) -> None:
        """Counts."""
        self.released += 1


class FakeSource:
    """One venue. Set `error` to make every question fail, `healthy` to change its health."""

    def __init__(self, venue_id: str = "binance", symbols: Sequence[str] = ()) -> None:
        self._facts = make_facts(venue_id)
        listed = symbols or ("BTCUSDT", "ETHUSDT", "SOLUSDT")
        self._table = InstrumentTable(venue_id, [make_instrument(s, venue_id) for s in listed])
        self.error: Exception | None = None
        self.acquire_error: PlatformError | None = None
        self.refused_channel: Channel | None = None
        self.healthy = True
        self.loads = 0
        self.calls: list[str] = []
        self.leases: list[FakeLease] = []
        self.ledger: list[Gap] = [make_gap(2), make_gap(1, GapState.REPAIRED)]
        self.before_answer: Callable[[], None] | None = None
        self.wait_for: asyncio.Event | None = None
        self.tiers: tuple[MarginTier, ...] = THREE_TIERS
        self.wallets: dict[str, list[WalletPosition]] = {}
        self.books: dict[str, BookSnapshot] = {}
        self.past_candles: Sequence[Candle] = ()
        self.past_interest: Sequence[OpenInterest] = ()

    @property
    def facts(self) -> VenueFacts:
        """What the venue is."""
        return self._facts

    @property
    def simulated(self) -> bool:
        """It is."""
        return True

    @property
    def table(self) -> InstrumentTable:
        """All instruments."""
        return self._table

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        """Counts; the list stays."""
        await self._asked(f"load_instruments {max_age_s:g}")
        self.loads += 1
        return self.loads

    def forget_instruments(self) -> None:
        """As before the first load."""
        self._table = InstrumentTable(self._facts.venue_id, ())

    def list_symbols(self, *symbols: str) -> None:
        """Lists these and no others."""
        venue = self._facts.venue_id
        self._table = InstrumentTable(venue, [make_instrument(one, venue) for one in symbols])

    def take_table(self, table: InstrumentTable) -> None:
        """Lists what `table` holds."""
        self._table = table

    def take_facts(self, facts: VenueFacts) -> None:
        """Is the venue that `facts` describe."""
        self._facts = facts

    def offer_everything(self) -> None:
        """No capability, interval or channel is missing any more."""
        offered = Support(available=True, source="rest")
        self._facts = msgspec.structs.replace(
            self._facts,
            capabilities=dict.fromkeys(self._facts.capabilities, offered),
            channels=dict.fromkeys(Channel, offered),
            intervals=tuple(Interval),
            open_interest_periods=tuple(Interval),
        )

    async def _asked(self, call: str) -> None:
        """Notes the question, lets the test see it, waits and fails as the test wishes."""
        self.calls.append(call)
        if self.before_answer is not None:
            self.before_answer()
        if self.wait_for is not None:
            await self.wait_for.wait()
        if self.error is not None:
            raise self.error

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """The newest of `past_candles`, else `limit` candles, the last one forming."""
        await self._asked(f"candles {instrument.symbol} {interval} {limit} {start_ms} {end_ms}")
        if self.past_candles:
            return self.past_candles[-limit:]
        last = interval.opens_at_ms(NOW_MS)
        length = interval.nominal_ms
        return [
            make_candle(instrument.symbol, interval, last - back * length, is_closed=back > 0)
            for back in range(limit - 1, -1, -1)
        ]

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """Trades 1 to `limit`."""
        await self._asked(f"trades {instrument.symbol} {limit}")
        return [make_trade(number, instrument.symbol) for number in range(1, limit + 1)]

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """That of `books`, else more levels than asked for, up to `LEVELS_MAX`, as venues do."""
        await self._asked(f"book {instrument.symbol} {depth}")
        kept = self.books.get(instrument.symbol)
        found = min(depth + 5, LEVELS_MAX)
        return make_book(instrument.symbol, found) if kept is None else kept

    async def tickers(self) -> Sequence[Ticker]:
        """One each."""
        await self._asked("tickers")
        return [make_ticker(instrument.symbol) for instrument in self._table]

    async def mark_prices(self) -> Sequence[MarkPrice]:
        """One each."""
        await self._asked("mark_prices")
        return [make_mark_price(instrument.symbol) for instrument in self._table]

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        """A reading."""
        await self._asked(f"open_interest {instrument.symbol}")
        return make_open_interest(instrument.symbol)

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """The newest of `past_interest`, else `limit` readings."""
        await self._asked(
            f"open_interest_history {instrument.symbol} {period} {limit} {start_ms} {end_ms}"
        )
        return self.past_interest[-limit:] or [make_open_interest(instrument.symbol)] * limit

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The coming settlement."""
        await self._asked(f"funding_rate {instrument.symbol}")
        return make_funding_rate(instrument.symbol)

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """`limit` settlements; not asked unless everything is offered."""
        await self._asked(f"funding_history {instrument.symbol} {limit} {start_ms} {end_ms}")
        return [make_funding_rate(instrument.symbol)] * limit

    async def predicted_funding(self) -> Sequence[PredictedFunding]:
        """Two venues' for every symbol."""
        await self._asked("predicted_funding")
        return [
            make_predicted_funding(instrument.base_asset, venue)
            for instrument in self._table
            for venue in ("HlPerp", "BinPerp")
        ]

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """None: no route asks for them yet."""
        await self._asked(
            f"mark_candles {instrument.symbol} {interval} {limit} {start_ms} {end_ms}"
        )
        return []

    async def margin_tiers(self, instrument: Instrument) -> MarginTiers:
        """Three tiers of every symbol, or those of `tiers`."""
        await self._asked(f"margin_tiers {instrument.symbol}")
        return make_margin_tiers(instrument, self.tiers)

    async def wallet_positions(self, address: str) -> list[WalletPosition]:
        """Those of `wallets`."""
        await self._asked(f"wallet_positions {address}")
        return self.wallets.get(address, [])

    def acquire(self, subscription: Subscription) -> FakeLease:
        """A lease, unless refused."""
        if self.acquire_error is not None and self.refused_channel in (None, subscription.channel):
            raise self.acquire_error
        lease = FakeLease(subscription)
        self.leases.append(lease)
        return lease

    def health(self) -> VenueHealth:
        """As `healthy` says."""
        return VenueHealth(
            exchange=self._facts.venue_id,
            healthy=self.healthy,
            reason="" if self.healthy else "silent for 60 s",
            last_data_ms=NOW_MS,
            clock_offset_ms=-3,
            breaker="closed",
            used_weight={"ip": 17},
            connections=2,
            messages=1234,
            wire_errors=1,
            rest_failures=4,
            reconnects=2,
            resyncs=3,
            open_gaps=0,
            channels=(
                ChannelHealth(
                    channel=Channel.TRADES,
                    symbol="BTCUSDT",
                    interval=None,
                    state=FeedState.LIVE,
                    since_ms=NOW_MS,
                    age_s=0.25,
                    reason="",
                    subscribers=1,
                ),
            ),
            latencies=(
                ChannelLatency(channel=Channel.TRADES, p50_ms=12.3, p95_ms=45.6, readings=200),
            ),
            gaps_1h=1,
            reconnects_1h=2,
            since_start_s=1000.0,
            healthy_s=995.0,
            last_error="a connection was lost",
        )

    def gaps(self) -> Sequence[Gap]:
        """The ledger."""
        return self.ledger
