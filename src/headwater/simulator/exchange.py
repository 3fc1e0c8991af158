"""A whole simulated exchange: all symbols, moved through time together, seen as a `MarketView`.

    exchange = SimulatedExchange(seed=1, start_ms=now_ms)
    records = exchange.advance_to(now_ms + 1_000)      # everything of that second, in order
    exchange.book("BTCUSDT", 20)                       # the state now
    exchange.submit(Ticket(...)); exchange.cancel(...) # an order from outside, matched at once

Pure and synchronous: no clock, no sockets. The same seed and the same orders from outside give
the same records however the way to a time is cut into calls. A copy by `pickle` goes on alike.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from headwater.core.errors import RequestError, UnknownSymbol
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Record,
)
from headwater.simulator.arbitrage import Arbitrage
from headwater.simulator.fair_price import STEP_MS, CommonFactor
from headwater.simulator.ground_truth import MAX_FORCED_CLOSES, ForcedClose, Truth
from headwater.simulator.listings import LISTINGS, instruments
from headwater.simulator.margin import tiers_for
from headwater.simulator.market import Market, MarketSeed
from headwater.simulator.more_listings import LISTING_BY_SYMBOL
from headwater.simulator.open_interest import SAMPLE_MS
from headwater.simulator.order_desk import OrderDesk
from headwater.simulator.orders import Execution, OrderAnswer, Ticket
from headwater.simulator.record_maker import RecordMaker
from headwater.venues.side import DayStats, FillPrint, HeldPosition

QUIET_MS = 4_000
"""Time without a forced close anywhere after which a run towards the nearest one starts."""

LIQUIDATIONS_KEPT = 1_000
"""Newest forced closes that the venue still tells of; older ones are forgotten."""

_by_time = attrgetter("timestamp_ms")


class SimulatedExchange:
    """A seeded exchange.

    Args:
        seed: the same seed gives the same world.
        start_ms: venue time at the start, ms since the epoch; cut to a whole step of `STEP_MS`.
        exchange: venue id of the records.
        symbols: canonical symbols to list, None for `LISTINGS`.
        listed: how the venue lists an instrument (`Venue.listed`), None for as it is.
        levels: levels a side that makers keep, None for each listing's own; at most 1,000.
        rate: multiplies how often orders come, > 0.

    Raises:
        UnknownSymbol: a symbol that no listing has.
        ValueError: `rate` or `levels` is not positive.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ms: int,
        exchange: str = "binance",
        symbols: Sequence[str] | None = None,
        listed: Callable[[Instrument], Instrument] | None = None,
        levels: int | None = None,
        rate: float = 1.0,
    ) -> None:
        if rate <= 0 or (levels is not None and levels <= 0):
            raise ValueError(f"rate={rate} levels={levels}: must be > 0")
        self._step_ms = start_ms - start_ms % STEP_MS
        self._now_ms = self._step_ms
        self._last_close_ms = self._step_ms
        self._exchange = exchange
        chosen = [listing.symbol for listing in LISTINGS] if symbols is None else list(symbols)
        for symbol in chosen:
            if symbol not in LISTING_BY_SYMBOL:
                raise UnknownSymbol(exchange, symbol)
        listings = [LISTING_BY_SYMBOL[symbol] for symbol in chosen]
        plain = instruments(exchange, listings, self._step_ms)
        self._table = InstrumentTable(exchange, plain if listed is None else map(listed, plain))
        origin = MarketSeed(seed, exchange, self._step_ms, levels, rate)
        self._makers: dict[str, RecordMaker] = {}
        self._markets: dict[str, Market] = {}
        for listing in listings:
            instrument = self._table.by_symbol(listing.symbol)
            assert instrument is not None, "a venue lists a symbol under its canonical name"
            self._makers[listing.symbol] = RecordMaker(exchange, instrument.native_symbol, listing)
            self._markets[listing.symbol] = Market(listing, self._makers[listing.symbol], origin)
        self._common = CommonFactor(random.Random(f"{seed}/common"))  # noqa: S311
        self._closes: deque[ForcedClose] = deque(maxlen=MAX_FORCED_CLOSES)
        self._liquidations: deque[Liquidation] = deque(maxlen=LIQUIDATIONS_KEPT)
        self._desk = OrderDesk()
        self._ties: Arbitrage | None = None
        self._ready: list[Record] = []
        self.truth = Truth(self._market, self._closes)

    def advance_to(self, now_ms: int) -> list[Record]:
        """Lets time pass in whole steps up to a time.

        Args:
            now_ms: venue time to reach; what is left of a step waits for the next call. The
                caller bounds how far it jumps: a second holds some hundred records.

        Returns:
            Trades, deltas, liquidations, mark prices and settlements, ascending in time.
        """
        if self._ties is not None:
            self._ties.advance_to(now_ms)
        else:
            while self._step_ms + STEP_MS <= now_ms:
                self.step()
        self._now_ms = max(self._now_ms, now_ms)
        records, self._ready = self._ready, []
        return records

    def step(self) -> None:
        """Moves all markets by one step; what happened waits for the next `advance_to`."""
        if self._step_ms % 1000 == 0:
            self._second()
        self._step_ms += STEP_MS
        common_return = self._common.step()
        made: list[Record] = []
        for market in self._markets.values():
            closes = market.step(self._step_ms, common_return, made)
            if closes:
                self._closes.extend(closes)
                self._last_close_ms = self._step_ms
        made.sort(key=_by_time)
        self._liquidations.extend(one for one in made if isinstance(one, Liquidation))
        self._ready += made

    @property
    def markets(self) -> Mapping[str, Market]:
        """All markets by canonical symbol."""
        return self._markets

    @staticmethod
    def tie(exchanges: Sequence["SimulatedExchange"]) -> Arbitrage:
        """Lets arbitrage hold the prices of several exchanges together from now on.

        They then move through time together: asking one for a later time moves all of them, and
        what happened on the others waits until they are asked.

        Raises:
            ValueError: there are none, or they are not at the same time.
        """
        times = {one._step_ms for one in exchanges}  # noqa: SLF001 - of the same class
        if len(times) != 1:
            raise ValueError(f"{len(exchanges)} exchanges at {len(times)} different times")
        ties = Arbitrage(exchanges, times.pop())
        for one in exchanges:
            one._ties = ties  # noqa: SLF001 - of the same class
        return ties

    def submit(self, ticket: Ticket) -> OrderAnswer:
        """Places an order; see `OrderDesk.submit`."""
        return self._desk.submit(self._market(ticket.symbol), ticket, self._now_ms)

    def cancel(self, symbol: str, order_id: int, owner: str) -> bool:
        """Takes an owner's resting order back; False when it has none of that number."""
        return self._desk.cancel(self._market(symbol), order_id, owner)

    def executions(self, owner: str) -> list[Execution]:
        """Hands over the single fills of an owner's orders since the last call, in order."""
        self._desk.gather(self._markets.values())
        return self._desk.take(owner)

    def now_ms(self) -> int:
        """The venue's clock, ms since the epoch."""
        return self._now_ms

    @property
    def table(self) -> InstrumentTable:
        """All instruments listed."""
        return self._table

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        """Candles by opening time, see `MarketView.candles`."""
        store = self._market(symbol).candles
        rows = store.rows(interval, limit, start_ms, end_ms)
        forming_ms = interval.opens_at_ms(store.minute.opened_at_ms)
        maker = self._makers[symbol]
        return [
            maker.candle(interval, row, is_closed=row.opened_at_ms < forming_ms) for row in rows
        ]

    def mark_candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[MarkCandle]:
        """Bars of the mark price, see `MarketView.mark_candles`."""
        market = self._market(symbol)
        rows = market.pricer.bars.rows(market.candles, interval, limit, start_ms, end_ms)
        forming_ms = interval.opens_at_ms(market.candles.minute.opened_at_ms)
        maker = self._makers[symbol]
        return [
            maker.mark_candle(interval, row, is_closed=row.opened_at_ms < forming_ms)
            for row in rows
        ]

    def prints(
        self, symbol: str, *, limit: int, first_sequence: int | None = None
    ) -> list[FillPrint]:
        """Prints from `first_sequence` on, or the newest `limit`."""
        market = self._market(symbol)
        if first_sequence is None:
            return market.newest_prints(limit)
        return market.fill_prints(first_sequence, limit)

    def liquidations(self, *, since_ms: int) -> list[Liquidation]:
        """Forced closes of all symbols from a moment on, of the newest that are kept."""
        return [one for one in self._liquidations if one.timestamp_ms >= since_ms]

    def print_of_fill(self, symbol: str, fill_id: int) -> FillPrint | None:
        """The print that contains this fill, None when it is unknown or forgotten."""
        return self._market(symbol).print_of_fill(fill_id)

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The book now, best first, with the update id of its last change."""
        return self._market(symbol).snapshot(max(0, depth))

    def day_stats(self, symbol: str) -> DayStats:
        """Figures of the last 24 hours."""
        market = self._market(symbol)
        grid, row, last = market.grid, market.candles.day(), market.last_trade()
        return DayStats(
            open=grid.price(row.open),
            high=grid.price(row.high),
            low=grid.price(row.low),
            last=last.trade.price,
            last_quantity=last.trade.quantity,
            volume=grid.quantity(row.lots),
            quote_volume=grid.value(row.cost),
            trades_count=row.fills,
            first_trade_id=last.last_fill_id - row.fills + 1,
            last_trade_id=last.last_fill_id,
            opened_at_ms=row.opened_at_ms,
            closed_at_ms=self._now_ms,
        )

    def mark_price(self, symbol: str) -> MarkPrice:
        """Mark, index, running funding estimate, next settlement."""
        return self._market(symbol).mark_price(self._now_ms)

    def open_interest(self, symbol: str) -> OpenInterest:
        """Open interest now, base units and quote value at the mark price."""
        market = self._market(symbol)
        mark = market.mark_price(self._now_ms).mark
        return self._makers[symbol].open_interest(self._now_ms, market.interest.lots, mark)

    def open_interest_history(
        self,
        symbol: str,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[OpenInterest]:
        """Open interest at the end of each period, kept for 30 days.

        Raises:
            RequestError: a period shorter than five minutes or longer than a day.
        """
        if not SAMPLE_MS <= period.nominal_ms <= Interval.D1.nominal_ms:
            raise RequestError("period", period.value, "5m to 1d")
        market = self._market(symbol)
        rows = market.interest.history(period.nominal_ms, limit, start_ms, end_ms)
        price = market.grid.price
        prices = market.candles.closes_before([row.timestamp_ms for row in rows])
        return [
            self._makers[symbol].open_interest(row.timestamp_ms, row.lots, price(ticks))
            for row, ticks in zip(rows, prices, strict=True)
        ]

    def funding_history(
        self,
        symbol: str,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[FundingRate]:
        """Past settlements; from `start_ms` forward when given, else the newest."""
        return self._market(symbol).funding_records(limit, start_ms, end_ms)

    def margin_tiers(self, symbol: str) -> tuple[MarginTier, ...]:
        """The tiers by which positions of this symbol are closed by force."""
        self._market(symbol)
        return tiers_for(LISTING_BY_SYMBOL[symbol].max_leverage)

    def position(self, symbol: str, trader: int) -> HeldPosition | None:
        """What a trader holds: position number `trader` of the symbol, None when it is not open."""
        for one in self._market(symbol).open_positions(trader):
            return HeldPosition(
                position_side=one.position_side,
                quantity=one.quantity,
                entry=one.entry,
                leverage=one.leverage,
                liquidation_price=one.liquidation_price,
            )
        return None

    def _second(self) -> None:
        """What begins with a second: the common factor, and a hunt when all was quiet too long.

        Price is drawn to where forced orders wait; here so that a short look always sees some.
        """
        self._common.second()
        if self._step_ms - self._last_close_ms >= QUIET_MS and self._markets:
            self._last_close_ms = self._step_ms
            min(self._markets.values(), key=Market.temptation).hunt()

    def _market(self, symbol: str) -> Market:
        """The market of a canonical symbol.

        Raises:
            UnknownSymbol: it is not listed.
        """
        market = self._markets.get(symbol)
        if market is None:
            raise UnknownSymbol(self._exchange, symbol)
        return market
