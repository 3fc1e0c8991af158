"""One symbol's market: book, makers, crowd, margin, mark and past, moved step by step.

Puts the parts together and turns what they did in a step into records. Time comes from the
caller; randomness from generators seeded by the exchange's seed and the symbol, one per part, so
that one part's draws do not shift another's.
"""

import math
import random
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from headwater.core.records import BookSnapshot, FundingRate, MarkPrice, Record
from headwater.simulator.candles import CandleStore
from headwater.simulator.fair_price import STEP_MS, FairPrice
from headwater.simulator.flow import OPEN_SHARE, Crowd
from headwater.simulator.ground_truth import ForcedClose, OpenPosition, Totals
from headwater.simulator.history import (
    Move,
    as_prints,
    moves_back,
    older_rows,
    past_minutes,
    past_prints,
    settle_crowd,
)
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.makers import MakerLadder
from headwater.simulator.marks import MarkPricer, Premium
from headwater.simulator.matching import MatchingEngine
from headwater.simulator.open_interest import OpenInterestBook
from headwater.simulator.positions import Position, PositionBook
from headwater.simulator.prints import PrintTape
from headwater.simulator.record_maker import RecordMaker
from headwater.venues.side import FillPrint

_START_SPREAD = 0.03  # how far the live price may start from the typical one
_PRINTS_PER_ORDER, _FILLS_PER_ORDER = 2.8, 3.6
_UPDATES_PER_DAY = 4_000_000
_SNIPE_SHARE = 0.3  # of the moves of the fair price in which takers are faster than makers
_SNIPE_LEVELS = 3
_HUNT_BEYOND = 1.3
_SHARED_PARTS = frozenset({"start", "fair", "moves"})
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


class MarketSeed(NamedTuple):
    """What a market is made from.

    Attributes:
        seed: seed of the exchange.
        venue: venue id; venues of one seed share where prices start and how they drift.
        start_ms: start of live time, a whole number of steps.
        levels: levels a side, None for the listing's own.
        rate: activity multiplier.
    """

    seed: int
    venue: str
    start_ms: int
    levels: int | None
    rate: float


class Market:
    """One symbol, from its past to now.

    Args:
        listing: the contract.
        record_maker: writes its records.
        origin: seed, start and size.

    Attributes:
        listing: the contract.
        grid: its tick and step.
        engine: its book and matching.
        candles: its candles.
        interest: its open interest.
        pricer: its mark price and funding.
        totals: counts since the start.
    """

    def __init__(self, listing: Listing, record_maker: RecordMaker, origin: MarketSeed) -> None:
        self.listing = listing
        self.grid = Grid(listing)
        self._maker = record_maker
        self._origin = origin
        self.totals = Totals()
        start_ms = origin.start_ms
        ticks = self.grid.ticks(listing.price) * (
            1.0 + self._rng("start").uniform(-_START_SPREAD, _START_SPREAD)
        )
        age_days = max(1, (start_ms - listing.listed_at_ms) // _DAY_MS)
        orders_before = int(age_days * 86_400 * listing.taker_rate)
        self._tape = PrintTape(
            int(orders_before * _PRINTS_PER_ORDER), int(orders_before * _FILLS_PER_ORDER)
        )
        self._premium = Premium(self._rng("premium"))
        self.candles = self._make_past(round(ticks))
        self.engine = MatchingEngine(
            listing.symbol,
            first_order_id=orders_before * 8,
            first_fill_id=self._tape.next_fill_id,
            update_id=age_days * _UPDATES_PER_DAY,
        )
        self.engine.now_ms = start_ms
        self._fair = FairPrice(self._rng("fair"), listing, ticks)
        self._positions = PositionBook(listing)
        self._settle_crowd(ticks)
        self._crowd = Crowd(
            self._rng("crowd"), self.engine, listing, self._positions, self._fair, origin.rate
        )
        self._ladder = MakerLadder(
            self._rng("makers"),
            self.engine,
            listing,
            ticks * (1.0 + self._premium.value),
            origin.levels or listing.levels,
            origin.rate,
        )
        self.engine.drain_changes()
        self._snipe_rng = self._rng("snipe")
        self.pricer = MarkPricer(
            self._rng("funding"),
            listing.funding_interval_h,
            start_ms,
            listing.listed_at_ms,
            ticks,
            self._premium.value,
            self.candles.minute,
        )
        self.interest = OpenInterestBook(
            self._rng("interest"),
            self._rng("past interest"),
            self.grid.lots_of(listing.open_interest_notional, ticks),
            self._positions.held_lots,
            start_ms,
        )
        self._pending: list[Record] = []

    @property
    def last_ticks(self) -> int:
        """Price of the last print, ticks."""
        return self.candles.minute.close

    def step(self, end_ms: int, common_return: float, out: list[Record]) -> list[ForcedClose]:
        """Moves the market by one step.

        Args:
            end_ms: end of the step.
            common_return: log return of the common factor.
            out: records of the step are appended, ascending in time.

        Returns:
            The forced closes of the step.
        """
        opened_ms = end_ms - STEP_MS
        engine = self.engine
        out.extend(self._pending)
        self._pending.clear()
        if opened_ms % 1000 == 0:
            self._fair.second()
            self._premium.second(self._fair.momentum)
            self.interest.second()
        self._fair.step(common_return)
        engine.now_ms = max(engine.now_ms, opened_ms)
        self._follow_fair()
        self._crowd.step(opened_ms)
        self._ladder.step()
        self._collect_prints(out)
        middle = self._middle()
        self.pricer.step(end_ms, self._fair.ticks, middle, self.last_ticks)
        closes = [
            close
            for position in self._positions.crossed(self.pricer.mark)
            if (close := self._force(position, end_ms, out)) is not None
        ]
        engine.now_ms = end_ms
        self.candles.roll(end_ms)
        changes = engine.drain_changes()
        if changes is not None:
            self.totals.deltas += 1
            out.append(self._maker.delta(end_ms, changes))
        if end_ms % 1000 == 0:
            self._second(end_ms, middle, out)
        return closes

    @property
    def fair_ticks(self) -> float:
        """The latent price that makers quote around, ticks."""
        return self._fair.ticks

    @property
    def touch(self) -> tuple[int | None, int | None]:
        """Best bid and best ask, ticks; None for an empty side."""
        return self.engine.bids.best, self.engine.asks.best

    @property
    def premium(self) -> float:
        """How far makers quote from the fair price, a fraction."""
        return self._premium.value

    def lean(self, log_return: float, premium_change: float) -> None:
        """Moves fair price and premium: what makers learn from the same symbol elsewhere."""
        self._fair.push(log_return)
        self._premium.lean(premium_change)

    def lots_at(self, *, bids: bool, limit: int, levels: int) -> int:
        """Lots resting at a limit price (ticks) or better, over the best `levels` levels."""
        if bids:
            return sum(lots for ticks, lots in self.engine.bids.top(levels) if ticks >= limit)
        return sum(lots for ticks, lots in self.engine.asks.top(levels) if ticks <= limit)

    def take(self, *, is_buy: bool, lots: int, limit: int) -> None:
        """Takes lots up to a limit price in ticks at once; the prints go out with the next step."""
        self._crowd.grab(is_buy, lots, limit)
        self.collect()

    def open_positions(self, only: int | None = None) -> list[OpenPosition]:
        """The crowd's leveraged positions, in no order; at most the one of a number, if given."""
        return [self._maker.open_position(one) for one in self._positions.numbered(only)]

    def temptation(self) -> float:
        """How near the next forced close is: the way to it in days' volatility, ≥ 0."""
        way = self._positions.nearest(self.pricer.mark)
        return math.inf if way is None else abs(way) / self.listing.daily_volatility

    def hunt(self) -> None:
        """Starts a run of the fair price a little beyond the next forced close."""
        way = self._positions.nearest(self.pricer.mark)
        if way is not None:
            self._fair.run(way * _HUNT_BEYOND)

    def collect(self) -> None:
        """Books what an order from outside just did; its prints go out with the next step."""
        self._collect_prints(self._pending)

    def fill_prints(self, first_sequence: int, limit: int) -> list[FillPrint]:
        """Kept prints from a sequence number (or the oldest kept) on, ascending."""
        tape = self._tape
        first = max(first_sequence, tape.first_sequence)
        found: list[FillPrint] = []
        for sequence in range(first, min(first + limit, tape.next_sequence)):
            made = tape.at(sequence)
            if made is not None:
                found.append(self._maker.fill_print(sequence, made))
        return found

    def newest_prints(self, limit: int) -> list[FillPrint]:
        """The newest prints, ascending."""
        return self.fill_prints(self._tape.next_sequence - max(0, limit), max(0, limit))

    def print_of_fill(self, fill_id: int) -> FillPrint | None:
        """The kept print that contains a fill."""
        sequence = self._tape.sequence_of_fill(fill_id)
        made = None if sequence is None else self._tape.at(sequence)
        if sequence is None or made is None:
            return None
        return self._maker.fill_print(sequence, made)

    def snapshot(self, depth: int) -> BookSnapshot:
        """The book now, best first."""
        bids = self.grid.levels(self.engine.bids.top(depth))
        asks = self.grid.levels(self.engine.asks.top(depth))
        return self._maker.snapshot(self.engine.now_ms, bids, asks, self.engine.update_id)

    def mark_price(self, now_ms: int) -> MarkPrice:
        """Mark, index and the running funding estimate."""
        pricer = self.pricer
        return self._maker.mark(
            now_ms, pricer.mark, pricer.index, pricer.estimate, pricer.next_funding_ms
        )

    def last_trade(self) -> FillPrint:
        """The last print."""
        return self.newest_prints(1)[0]

    def _rng(self, part: str) -> random.Random:
        """Randomness of one part; text seeds give the same stream in every process."""
        venue = "" if part.partition(" ")[0] in _SHARED_PARTS else self._origin.venue
        return random.Random(f"{self._origin.seed}/{venue}/{self.listing.symbol}/{part}")  # noqa: S311

    def _make_past(self, ticks: int) -> CandleStore:
        """Makes up prints and minutes that end at the live price; fills the tape."""
        listing, origin = self.listing, self._origin
        rng = self._rng("past")
        start_ms = origin.start_ms
        minute_moves = self._moves(_MINUTE_MS)
        rows = past_prints(rng, minute_moves, listing, start_ms, ticks, origin.rate)
        first_ms = rows[0][0] - rows[0][0] % _MINUTE_MS
        minute_moves = self._moves(_MINUTE_MS)
        minutes = past_minutes(rng, minute_moves, listing, start_ms, first_ms, rows[0][1])
        oldest = next(iter(minutes))
        boundary = oldest.opened_at_ms, oldest.open
        store = CandleStore(
            minutes,
            first_ms,
            rows[0][1],
            partial(older_rows, self._rng("older"), self._moves, listing, *boundary),
        )
        for made in as_prints(rows, self._tape.next_fill_id):
            self._tape.append(made)
            store.add_print(made)
        store.roll(start_ms)
        return store

    def _moves(self, length_ms: int) -> Iterator[Move]:
        """How the price moved from row to row before the start, the same on all venues."""
        return moves_back(self._rng(f"moves {length_ms}"), self.listing, length_ms)

    def _settle_crowd(self, ticks: float) -> None:
        """Lets the crowd have positions from before the start."""
        listing = self.listing
        minutes = self.candles.minutes
        recent = [*minutes.slice(max(0, len(minutes) - 600), len(minutes)), self.candles.minute]
        lifetime_s = listing.positions / (listing.taker_rate * OPEN_SHARE)
        mark = ticks * (1.0 + self._premium.value)
        settle_crowd(self._rng("settle"), listing, self._positions, recent, mark, lifetime_s)

    def _middle(self) -> float:
        """Middle of the book in ticks; the fair price while a side is empty."""
        bid, ask = self.engine.bids.best, self.engine.asks.best
        return self._fair.ticks if bid is None or ask is None else (bid + ask) / 2

    def _follow_fair(self) -> None:
        """Moves the makers' quotes; takers may be faster at the quotes that became stale."""
        if not self._ladder.moved(self._fair.ticks * (1.0 + self._premium.value)):
            return
        rng = self._snipe_rng
        for is_buy in (True, False):
            lots = self._ladder.stale_lots(asks=is_buy, levels=_SNIPE_LEVELS)
            if lots and rng.random() < _SNIPE_SHARE:
                self._crowd.snipe(is_buy, lots, self._ladder.stale_limit(asks=is_buy))
        self._ladder.withdraw_stale()
        for is_buy in (True, False):
            # Only orders from outside can still be there: somebody takes the gift.
            lots = self._ladder.stale_lots(asks=is_buy, levels=_SNIPE_LEVELS)
            if lots:
                self._crowd.grab(is_buy, lots, self._ladder.stale_limit(asks=is_buy))

    def _force(self, position: Position, end_ms: int, out: list[Record]) -> ForcedClose | None:
        """Closes a position by force; None when nothing of it filled."""
        self.engine.now_ms = max(self.engine.now_ms, end_ms - 1)
        lots = position.lots
        placed = self._crowd.close_by_force(position)
        self._collect_prints(out)
        if not placed.filled:
            self.totals.taken_over += 1
            return None
        close = self._maker.forced_close(
            self.engine.now_ms, position, placed, lots - placed.filled, self.pricer.mark
        )
        self.totals.liquidations += 1
        self.totals.liquidated_value += close.liquidation.value
        out.append(close.liquidation)
        return close

    def _collect_prints(self, out: list[Record]) -> None:
        """Moves the engine's prints to tape, candles, totals and records."""
        prints = self.engine.prints
        if not prints:
            return
        totals = self.totals
        for made in prints:
            sequence = self._tape.append(made)
            self.candles.add_print(made)
            trade = self._maker.trade(sequence, made)
            totals.prints += 1
            totals.fills += made.last_fill_id - made.first_fill_id + 1
            totals.quantity += trade.quantity
            totals.value += trade.value
            out.append(trade)
        prints.clear()

    def _second(self, end_ms: int, middle: float, out: list[Record]) -> None:
        """What happens once a second: mark price, settlement, sampling."""
        self.pricer.second(middle)
        settled = self.pricer.settle(end_ms)
        if settled is not None:
            out.append(self._maker.funding(settled))
        out.append(self.mark_price(end_ms))
        self.interest.sample(end_ms)

    def funding_records(
        self, limit: int, start_ms: int | None, end_ms: int | None
    ) -> list[FundingRate]:
        """Past settlements, ascending, bounds inclusive."""
        first_ms, last_ms = start_ms or 0, math.inf if end_ms is None else end_ms
        past = self.pricer.settlements
        rows = [row for row in past if first_ms <= row.funding_time_ms <= last_ms]
        newest = slice(-limit, None) if limit > 0 else slice(0)
        chosen = rows[newest if start_ms is None else slice(max(0, limit))]
        return [self._maker.funding(row) for row in chosen]
