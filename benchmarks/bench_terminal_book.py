"""What does an update of a terminal's order book cost, from the venue's change to the message?

`python -m benchmarks.bench_terminal_book [--changes N] [--rounds N] [--write]`. A book of 1,000
levels a side on a tick of 0.1; a change touches that many levels, near the best price mostly, as
recordings have it (60 % change a quantity, 20 % add, 20 % remove). Timed is applying it to the
book and every ladder and writing the message of 50 levels a side, every number formatted, with
running sums. Beside it the plain way: group all levels in decimals, sort, format, `json.dumps`.
Before it is timed, both ways must say the same after every one of some changes.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from benchmarks.report import machine, median, spread, table, write_section
from headwater.analytics.book_ladder import LadderBook
from headwater.api.terminal.order_book_text import BookHead, BookRendering, message_of
from headwater.core.formatting import SymbolFormat
from headwater.core.formatting import plain as plain_text
from headwater.core.records import Level

TICK: Final = Decimal("0.1")
FORMAT: Final = SymbolFormat(price_places=1, amount_places=3)
DEPTH: Final = 1_000
LIMIT: Final = 50
MID: Final = 971_230
"""Ticks: 97,123.0."""
ROUNDINGS: Final = tuple(Decimal(one) for one in ("0.1", "0.25", "0.5", "1", "10"))
NEAR_TICKS: Final = 60
"""Mean distance of a change from the best price."""
CHECKED: Final = 20
GOAL_US: Final = 60
TIMESTAMP_MS: Final = 1_731_000_000_123

Change = tuple[list[Level], list[Level]]


class Market:
    """A book and its changes, made from a seed."""

    def __init__(self, seed: int, levels_changed: int) -> None:
        self._rng = random.Random(seed)
        self._levels_changed = levels_changed
        self.held: dict[bool, dict[int, float]] = {
            is_bid: {rank: self._quantity() for rank in range(DEPTH)} for is_bid in (True, False)
        }

    def image(self) -> Change:
        """The whole book."""
        return self._levels(self.held[True], is_bid=True), self._levels(
            self.held[False], is_bid=False
        )

    def change(self) -> Change:
        """The next change, which is applied to what `image` says."""
        bids, asks = (self._side(is_bid=is_bid) for is_bid in (True, False))
        return bids, asks

    def _side(self, *, is_bid: bool) -> list[Level]:
        held, changed = self.held[is_bid], dict[int, float]()
        while len(changed) < self._levels_changed // 2:
            rank = min(int(self._rng.expovariate(1 / NEAR_TICKS)), 2 * DEPTH)
            removes = rank in held and self._rng.random() < 0.25
            changed[rank] = 0.0 if removes else self._quantity()
        held.update(changed)
        for rank in [rank for rank, quantity in changed.items() if not quantity]:
            del held[rank]
        return self._levels(changed, is_bid=is_bid)

    def _quantity(self) -> float:
        return self._rng.randint(1, 20_000) / 1_000

    @staticmethod
    def _levels(ranks: dict[int, float], *, is_bid: bool) -> list[Level]:
        return [
            ((MID - 1 - rank if is_bid else MID + rank) / 10, quantity)
            for rank, quantity in ranks.items()
        ]


class Ladders:
    """Our way: ladders of some roundings, kept."""

    def __init__(self, image: Change, roundings: Sequence[Decimal]) -> None:
        self._book = LadderBook(FORMAT, TICK)
        self._book.replace(*image)
        self._renderings = [
            BookRendering(self._book.ladder(one), LIMIT, "best_first") for one in roundings
        ]

    def update(self, change: Change) -> list[bytes]:
        """A message for each rounding."""
        self._book.apply(*change)
        raw_bids, raw_asks = self._book.depth
        head = BookHead(
            exchange="binance",
            symbol="BTCUSDT",
            state="live",
            options=ROUNDINGS,
            raw_bids=raw_bids,
            raw_asks=raw_asks,
            timestamp_ms=TIMESTAMP_MS,
        )
        return [message_of(one.body(head), TIMESTAMP_MS) for one in self._renderings]


class Plain:
    """The plain way: everything anew from a book of decimals, for one rounding."""

    def __init__(self, image: Change, rounding: Decimal) -> None:
        self._rounding = rounding
        self._places = max(1, -int(rounding.as_tuple().exponent))
        self._sides: list[dict[Decimal, Decimal]] = [{}, {}]
        self._apply(image)

    def update(self, change: Change) -> list[bytes]:
        """The message."""
        self._apply(change)
        bids, asks = (self._side(number) for number in (0, 1))
        raw_bids, raw_asks = map(len, self._sides)
        actual = min(len(bids), len(asks))
        message = {
            "type": "orderbook_update",
            "exchange": "binance",
            "symbol": "BTCUSDT",
            "state": "live",
            "rounding": float(self._rounding),
            "roundingFormatted": plain_text(self._rounding),
            "roundingOptions": [float(one) for one in ROUNDINGS],
            "roundingOptionsFormatted": [plain_text(one) for one in ROUNDINGS],
            "aggregated": TICK % self._rounding != 0,
            "bids": bids,
            "asks": asks,
            "marketDepthInfo": {
                "actualLevels": actual,
                "requestedLevels": LIMIT,
                "isMarketDepthLimited": actual < LIMIT,
                "hasInsufficientRawData": min(raw_bids, raw_asks) < 10 * LIMIT,
                "rawBids": raw_bids,
                "rawAsks": raw_asks,
                "minRequiredRawData": 10 * LIMIT,
            },
            "timestamp": TIMESTAMP_MS,
            "time": TIMESTAMP_MS // 1000,
        }
        return [json.dumps(message).encode()]

    def _apply(self, change: Change) -> None:
        for side, levels in zip(self._sides, change, strict=True):
            for price, quantity in levels:
                if quantity:
                    side[Decimal(str(price))] = Decimal(str(quantity))
                else:
                    side.pop(Decimal(str(price)), None)

    def _side(self, number: int) -> list[dict[str, Any]]:
        sums: dict[Decimal, Decimal] = {}
        direction = (ROUND_FLOOR, ROUND_CEILING)[number]
        for price, quantity in self._sides[number].items():
            level = (price / self._rounding).to_integral_value(direction) * self._rounding
            sums[level] = sums.get(level, Decimal()) + quantity
        total, found = Decimal(), []
        for price in sorted(sums, reverse=number == 0)[:LIMIT]:
            total += sums[price]
            found.append(
                {
                    "price": float(price),
                    "priceFormatted": f"{price:,.{self._places}f}",
                    "amount": float(sums[price]),
                    "amountFormatted": f"{sums[price]:,.3f}",
                    "cumulative": float(total),
                    "cumulativeFormatted": f"{total:,.3f}",
                }
            )
        return found


def check(levels_changed: int) -> None:
    """Both ways say the same, change by change.

    Raises:
        SystemExit: they do not.
    """
    market = Market(1, levels_changed)
    ours = Ladders(market.image(), ROUNDINGS)
    plain = [Plain(market.image(), one) for one in ROUNDINGS]
    for _ in range(CHECKED):
        change = market.change()
        for one, other in zip(ours.update(change), plain, strict=True):
            if json.loads(one) != json.loads(other.update(change)[0]):
                raise SystemExit("the two ways differ: there is nothing to be timed")


def cost_us(update: Callable[[Change], list[bytes]], changes: Sequence[Change]) -> float:
    """CPU time of an update, µs."""
    started_s = time.process_time()
    for change in changes:
        update(change)
    return (time.process_time() - started_s) / len(changes) * 1e6


def measure(levels_changed: int, rounds: int) -> list[Sequence[str]]:
    """A row for each rounding alone, and one for three of them together."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for number in range(rounds):
        for roundings in (*((one,) for one in ROUNDINGS), ROUNDINGS[1:4]):
            market = Market(number, levels_changed)
            image = market.image()
            ours = Ladders(image, roundings)
            plain = [Plain(image, one) for one in roundings]
            changes = [market.change() for _ in range(1_000)]
            cost = cost_us(ours.update, changes) / len(roundings)
            slow = sum(cost_us(one.update, changes[:30]) for one in plain) / len(roundings)
            name = ", ".join(map(str, roundings))
            costs, ratios = found.setdefault(name, ([], []))
            costs.append(cost)
            ratios.append(slow / cost)
    return [
        (
            name,
            str(levels_changed),
            f"{median(costs):.0f} ± {spread(costs):.0%}",
            str(GOAL_US),
            f"{median(ratios):.0f} ×",
        )
        for name, (costs, ratios) in found.items()
    ]


def report(rows: Sequence[Sequence[str]], rounds: int) -> str:
    header = ("rounding", "levels changed", "µs per update and rounding", "goal", "plain way")
    note = (
        f"{DEPTH:,} levels a side, {LIMIT} a side in the message, tick {TICK}; CPU time, "
        f"{rounds} rounds. Several roundings at once share the reading of the change; one message "
        "is for any number of viewers. The plain way groups all levels in decimals, sorts, formats "
        f"and uses `json.dumps`, in the same run. {machine()}."
    )
    return "\n".join(
        [
            "### A terminal's order book: from a change to the message",
            "",
            table(header, rows),
            "",
            note,
        ]
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, nargs="+", default=[20, 35, 50])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    rows: list[Sequence[str]] = []
    for levels_changed in arguments.changes:
        check(levels_changed)
        rows += measure(levels_changed, arguments.rounds)
    text = report(rows, arguments.rounds)
    print(text)
    if arguments.write:
        write_section("terminal-book", text)


if __name__ == "__main__":
    main()
