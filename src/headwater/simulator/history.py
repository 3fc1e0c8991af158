"""The past of one symbol, made up at the start so that it runs into the live price without a step.

Everything is walked backwards from the live price: first a tail of single prints, then the minutes
before it, then (only when asked for) quarter hours, hours, two hours and days, each ending where
the next finer part begins. Longer candles are folded from these, so they agree exactly. Positions
of the crowd are drawn as those that would have survived this past.

How the price moved from row to row is drawn by itself (`moves_back`), so that venues of one seed
share it as they share the live price; volumes, reaches and single prints are each venue's own.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from headwater.simulator.candles import MINUTE_MS, CandleRow, CandleRows
from headwater.simulator.flow import power_law
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.matching import Print
from headwater.simulator.positions import PositionBook

PAST_PRINTS = 2_000
"""Single prints before the start, at least; they begin at a full minute."""

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_MINUTE_DAYS: Final = 5.25  # 7,560 minutes: 1,500 rows of 5 minutes
# (row length, reach back from the start in days): enough for 1,500 rows of each interval.
_OLDER: Final = (
    (15 * MINUTE_MS, 33),
    (_HOUR_MS, 65),
    (2 * _HOUR_MS, 760),
    (_DAY_MS, 1_600),
)
_PULL_DAYS: Final = 90.0  # how fast the past returns to the typical price
# What one taker order of the live crowd brings on average, snipers and forced orders included.
_FILLS_PER_TAKER, _PRINTS_PER_TAKER = 3.6, 2.8
_VOLUME_SPREAD: Final = 0.55
_PRINT_TAIL, _PRINT_CAP, _PRINT_MEAN = 1.35, 300.0, 3.4  # the mean in multiples of the smallest
_CROWD_MINUTES: Final = 600  # how far back a position of the crowd may have been opened
_CROWD_TRIES: Final = 4


def mean_order_notional(listing: Listing) -> float:
    """About what the live crowd trades per taker order, USDT; scales made-up volumes.

    Fitted to long runs of the simulation itself, to within a third.
    """
    return 4.3 * listing.order_notional + 2.15 * listing.position_notional


class Move(NamedTuple):
    """What happened to the price within one row, whoever traded.

    Attributes:
        log_return: from its open to its close.
        busy: activity, 1 is usual.
    """

    log_return: float
    busy: float


def moves_back(rng: random.Random, listing: Listing, length_ms: int) -> Iterator[Move]:
    """Moves of rows of one length, the newest first, for ever.

    Args:
        rng: randomness.
        listing: volatility.
        length_ms: row length, ms.
    """
    spread = listing.daily_volatility * math.sqrt(length_ms / _DAY_MS)
    memory = math.exp(-length_ms / (45 * MINUTE_MS))
    fresh = math.sqrt(1.0 - memory * memory) * _VOLUME_SPREAD
    level, gauss = 0.0, rng.gauss
    while True:
        level = level * memory + fresh * gauss(0.0, 1.0)
        busy = math.exp(level)
        yield Move(gauss(0.0, spread) * math.sqrt(busy), busy)


def past_prints(
    rng: random.Random,
    moves: Iterator[Move],
    listing: Listing,
    start_ms: int,
    ticks: int,
    rate: float,
) -> list[tuple[int, int, int, bool, int]]:
    """Prints before the start, oldest first, as (time, ticks, lots, taker bought, fills).

    Between the ends of two minutes the price walks as a Brownian bridge.

    Args:
        rng: randomness.
        moves: of the minutes, beginning with the one that the start cuts off.
        listing: activity, sizes and volatility.
        start_ms: exclusive end.
        ticks: live price at the start.
        rate: activity multiplier.

    Returns:
        At least `PAST_PRINTS`, the first of them the first of its minute.
    """
    grid = Grid(listing)
    per_ms = max(1e-5, listing.taker_rate * rate * _PRINTS_PER_TAKER / 1000)
    smallest = mean_order_notional(listing) / (_PRINTS_PER_TAKER * _PRINT_MEAN)
    spread = listing.daily_volatility / math.sqrt(_DAY_MS)
    log_price = math.log(ticks)
    moment = at = float(start_ms)
    minute_ms = start_ms - start_ms % MINUTE_MS
    part = (start_ms - minute_ms) / MINUTE_MS
    target = log_price - next(moves).log_return * math.sqrt(part)
    boundary = 0.0
    found: list[tuple[int, int, int, bool, int]] = []
    while True:
        gap = rng.expovariate(per_ms)
        moment -= gap
        if len(found) >= PAST_PRINTS:
            boundary = boundary or moment + gap - (moment + gap) % MINUTE_MS
            if moment < boundary:
                break
        while moment < minute_ms:
            at, log_price = float(minute_ms), target
            minute_ms -= MINUTE_MS
            target -= next(moves).log_return
        step, left = at - moment, moment - minute_ms
        share = step / (step + left) if step else 0.0
        log_price += share * (target - log_price)
        log_price += spread * math.sqrt(share * left) * rng.gauss(0.0, 1.0)
        at = moment
        is_buy = rng.random() < 0.5
        price = max(1, round(math.exp(log_price) + (0.5 if is_buy else -0.5)))
        notional = power_law(rng, smallest, _PRINT_TAIL, _PRINT_CAP)
        lots = grid.lots_of(notional, price)
        fills = min(lots, 1 + int(rng.expovariate(1.6)))
        found.append((int(moment), price, lots, is_buy, fills))
    found.reverse()
    return found


def walk_back(
    rng: random.Random,
    moves: Iterator[Move],
    listing: Listing,
    length_ms: int,
    first_ms: int,
    end_ms: int,
    close: int,
) -> CandleRows:
    """Rows of one length whose last closes at a given price.

    Args:
        rng: randomness.
        moves: of the rows, the last one's first.
        listing: activity and volatility.
        length_ms: row length, ms.
        first_ms: opening time of the first row.
        end_ms: exclusive end, a whole number of rows later.
        close: closing price of the last row, ticks.

    Returns:
        The rows; empty when `end_ms` is not after `first_ms`.
    """
    count = max(0, (end_ms - first_ms) // length_ms)
    grid = Grid(listing)
    anchor = math.log(grid.ticks(listing.price))
    spread = listing.daily_volatility * math.sqrt(length_ms / _DAY_MS)
    pull = min(1.0, length_ms / (_PULL_DAYS * _DAY_MS))
    seconds = length_ms / 1000
    mean_fills = listing.taker_rate * _FILLS_PER_TAKER * seconds
    mean_notional = listing.taker_rate * seconds * mean_order_notional(listing)
    uniform, log, exp = rng.random, math.log, math.exp
    rows: list[tuple[int, ...]] = []
    opened_at_ms = end_ms
    for move, busy in islice(moves, count):
        opened_at_ms -= length_ms
        log_close = log(close)
        start = max(1, round(exp(log_close - move + (anchor - log_close) * pull)))
        reach = close * spread * busy
        high = max(start, close) + int(reach * 0.7 * uniform() ** 2)
        low = max(1, min(start, close) - int(reach * 0.7 * uniform() ** 2))
        activity = busy * (0.6 + 0.5 * abs(move) / spread)
        fills = max(1, int(mean_fills * activity))
        lots = max(fills, round(mean_notional * activity / (close * grid.lot_value)))
        cost = lots * (start + high + low + close) // 4
        bought = int(lots * min(0.95, max(0.05, 0.5 + 0.12 * move / spread)))
        rows.append((opened_at_ms, start, high, low, close, lots, cost, fills, bought))
        close = start
    rows.reverse()
    return CandleRows(length_ms, [field for row in rows for field in row])


def past_minutes(
    rng: random.Random,
    moves: Iterator[Move],
    listing: Listing,
    start_ms: int,
    end_ms: int,
    close: int,
) -> CandleRows:
    """Minutes from a quarter of an hour about five days back up to `end_ms` (exclusive).

    Args:
        rng: randomness.
        moves: of the minutes, beginning with the one that `start_ms` cuts off.
        listing: activity and volatility.
        start_ms: start of live time, the same for all venues that share the moves.
        end_ms: where the single prints begin, a full minute not after it.
        close: closing price of the last minute, ticks.
    """
    first_ms = start_ms - int(_MINUTE_DAYS * _DAY_MS)
    first_ms -= first_ms % (15 * MINUTE_MS)
    told = (start_ms - start_ms % MINUTE_MS - end_ms) // MINUTE_MS
    before = islice(moves, 1 + told, None)
    return walk_back(rng, before, listing, MINUTE_MS, first_ms, end_ms, close)


def older_rows(
    rng: random.Random,
    moves_of: Callable[[int], Iterator[Move]],
    listing: Listing,
    end_ms: int,
    close: int,
) -> Sequence[CandleRows]:
    """Longer rows of the time before the minutes, oldest first, none before the listing.

    Args:
        rng: randomness.
        moves_of: moves of rows of a length in ms, from where the next finer part begins.
        listing: activity and volatility.
        end_ms: opening time of the first minute, a whole quarter of an hour.
        close: its opening price, ticks.
    """
    parts: list[CandleRows] = []
    boundary_ms = end_ms
    listed_ms = listing.listed_at_ms + (-listing.listed_at_ms) % _DAY_MS
    for length_ms, reach_days in _OLDER:
        reach_ms = end_ms - reach_days * _DAY_MS
        first_ms = max(listed_ms, reach_ms - reach_ms % _DAY_MS)
        moves = moves_of(length_ms)
        rows = walk_back(rng, moves, listing, length_ms, first_ms, boundary_ms, close)
        if len(rows):
            first = next(iter(rows))
            boundary_ms, close = first.opened_at_ms, first.open
            parts.append(rows)
    parts.reverse()
    return parts


def settle_crowd(
    rng: random.Random,
    listing: Listing,
    positions: PositionBook,
    minutes: Sequence[CandleRow],
    ticks: float,
    lifetime_s: float,
) -> None:
    """Fills a position book with positions that the last hours would have left open.

    Args:
        rng: randomness.
        listing: how many and how large.
        positions: an empty book.
        minutes: the newest minutes, ascending, at least one.
        ticks: mark price now.
        lifetime_s: mean age of a position.
    """
    recent = minutes[-_CROWD_MINUTES:]
    lows, highs = [math.inf] * (len(recent) + 1), [0.0] * (len(recent) + 1)
    lows[-1] = highs[-1] = ticks
    for index in range(len(recent) - 1, -1, -1):
        lows[index] = min(lows[index + 1], recent[index].low)
        highs[index] = max(highs[index + 1], recent[index].high)
    grid = Grid(listing)
    for _ in range(_CROWD_TRIES * listing.positions):
        if len(positions) >= listing.positions:
            return
        age = int(rng.expovariate(1.0 / lifetime_s) / 60)
        index = max(0, len(recent) - 1 - age)
        entry = rng.uniform(recent[index].low, recent[index].high)
        notional = power_law(rng, listing.position_notional, 1.2, 300.0)
        is_long = rng.random() < 0.5
        lots = grid.lots_of(notional, entry)
        leverage = positions.draw_leverage(rng, notional)
        limit = positions.liquidation_of(is_long, lots, entry, leverage)
        if (is_long and limit < lows[index + 1]) or (not is_long and limit > highs[index + 1]):
            positions.open(is_long, lots, entry, leverage)


def as_prints(rows: Sequence[tuple[int, int, int, bool, int]], first_fill_id: int) -> list[Print]:
    """Numbers the fills of made-up prints on from `first_fill_id`."""
    prints: list[Print] = []
    for stamp_ms, price, lots, is_buy, fills in rows:
        prints.append(
            Print(stamp_ms, price, lots, is_buy, first_fill_id, first_fill_id + fills - 1)
        )
        first_fill_id += fills
    return prints
