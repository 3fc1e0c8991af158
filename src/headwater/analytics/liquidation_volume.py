"""Liquidated volume by time: the histogram over the candles.

Buckets are the candles' own spans: half-open, aligned to UTC. Buying closes shorts and selling
closes longs, so `buy` is what shorts lost and `sell` what longs lost. The same object takes stored
history and live events: the result depends on what was added, never on its order or on the size of
the portions. It does not look for events added twice; they are told apart where they are read.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from headwater.analytics.exact_sums import units_of, value_of
from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

BUCKETS_KEPT: Final = 9_000
"""Most time buckets kept, the newest: six days of minutes, 31 of five minutes."""


class LiquidationVolume(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Liquidations of one time bucket.

    Attributes:
        opened_at_ms: start of the bucket, ms since the epoch, UTC.
        buy_usd: shorts closed, USD.
        sell_usd: longs closed, USD.
        buy_quantity: shorts closed, base units.
        sell_quantity: longs closed, base units.
        buy_count: number of events that closed shorts.
        sell_count: number of events that closed longs.
        is_floor: whether one of the events came from a throttled feed: the sums are a lower bound.
    """

    opened_at_ms: int
    buy_usd: float
    sell_usd: float
    buy_quantity: float
    sell_quantity: float
    buy_count: int
    sell_count: int
    is_floor: bool


class _Sums:
    """Running sums of one bucket and exchange, in exact units."""

    __slots__ = ("buy", "is_floor", "sell")

    def __init__(self) -> None:
        # Units of USD, units of base, number of events.
        self.buy = [0, 0, 0]
        self.sell = [0, 0, 0]
        self.is_floor = False

    def add(self, event: Liquidation) -> None:
        """Takes one event in."""
        side = self.buy if event.position_side is PositionSide.SHORT else self.sell
        side[0] += units_of(event.value)
        side[1] += units_of(event.quantity)
        side[2] += 1
        self.is_floor = self.is_floor or event.is_floor


class LiquidationVolumes:
    """Gathers the liquidations of one symbol into time buckets, from one exchange or several.

    The newest `BUCKETS_KEPT` buckets are kept, counted back from the newest event whether they
    have events or not. Older events are not in the sums but in `dropped_count`, whether they came
    too late or were pushed out.

    Args:
        symbol: canonical symbol of every event.
        interval: length of a bucket.
    """

    def __init__(self, symbol: str, interval: Interval) -> None:
        self.symbol: Final = symbol
        self.interval: Final = interval
        self.dropped_count = 0
        self._sums: dict[int, dict[str, _Sums]] = {}
        self._oldest_ms: int | None = None
        self._newest_ms: int | None = None

    def add(self, events: Iterable[Liquidation]) -> None:
        """Takes events in, in any order.

        Raises:
            ValueError: an event of another symbol, or a number that is not finite.
        """
        for event in events:
            self._add(event)

    def buckets(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        exchanges: Collection[str] | None = None,
    ) -> list[LiquidationVolume]:
        """Buckets from the first with an event to the last, oldest first; empty ones are zero.

        Args:
            start_ms: earliest opening of a bucket, None for no limit.
            end_ms: buckets open before this, None for no limit.
            exchanges: only events of these; None for all.

        Returns:
            Nothing when no event fits.
        """
        chosen: dict[int, list[_Sums]] = {}
        for opened_ms, by_exchange in self._sums.items():
            if start_ms is not None and opened_ms < start_ms:
                continue
            if end_ms is not None and opened_ms >= end_ms:
                continue
            parts = [
                sums
                for exchange, sums in by_exchange.items()
                if exchanges is None or exchange in exchanges
            ]
            if parts:
                chosen[opened_ms] = parts
        if not chosen:
            return []
        rows: list[LiquidationVolume] = []
        opened_ms, last_ms = min(chosen), max(chosen)
        while opened_ms <= last_ms:
            rows.append(_volume_of(opened_ms, chosen.get(opened_ms, ())))
            opened_ms = self.interval.closes_at_ms(opened_ms)
        return rows

    def _add(self, event: Liquidation) -> None:
        """Takes one event in, and lets go of what is now too old."""
        if event.symbol != self.symbol:
            raise ValueError(f"{event.symbol}: these are the liquidations of {self.symbol}")
        opened_ms = self.interval.opens_at_ms(event.timestamp_ms)
        if self._newest_ms is None or opened_ms > self._newest_ms:
            self._newest_ms = opened_ms
            self._drop_before(
                self.interval.opens_at_ms(opened_ms - (BUCKETS_KEPT - 1) * self.interval.nominal_ms)
            )
        if self._oldest_ms is not None and opened_ms < self._oldest_ms:
            self.dropped_count += 1
            return
        by_exchange = self._sums.setdefault(opened_ms, {})
        by_exchange.setdefault(event.exchange, _Sums()).add(event)

    def _drop_before(self, oldest_ms: int) -> None:
        """Forgets the buckets that opened before `oldest_ms`."""
        self._oldest_ms = oldest_ms
        for opened_ms in [one for one in self._sums if one < oldest_ms]:
            for sums in self._sums.pop(opened_ms).values():
                self.dropped_count += sums.buy[2] + sums.sell[2]


def _volume_of(opened_ms: int, parts: Iterable[_Sums]) -> LiquidationVolume:
    """The sum of several exchanges' parts of one bucket."""
    buy, sell, is_floor = [0, 0, 0], [0, 0, 0], False
    for part in parts:
        buy = [one + other for one, other in zip(buy, part.buy, strict=True)]
        sell = [one + other for one, other in zip(sell, part.sell, strict=True)]
        is_floor = is_floor or part.is_floor
    return LiquidationVolume(
        opened_at_ms=opened_ms,
        buy_usd=value_of(buy[0]),
        sell_usd=value_of(sell[0]),
        buy_quantity=value_of(buy[1]),
        sell_quantity=value_of(sell[1]),
        buy_count=buy[2],
        sell_count=sell[2],
        is_floor=is_floor,
    )
