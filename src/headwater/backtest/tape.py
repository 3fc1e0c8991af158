"""Streams of an event run from what was recorded: a raw tape, or the tables of the database.

A tape is what `headwater record` (or `ingest`) wrote; it goes through the parsers of live data.
Trades that a tape or a table has twice count once. Nothing is made up: a stream of which nothing
was recorded is None.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.backtest.event_streams import LiquidationTape, MarketStreams, TradeTape, ValueTape
from headwater.backtest.funding import FundingColumns
from headwater.backtest.settlements import Settlements
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import Clock
from headwater.core.enums import PositionSide, Side
from headwater.core.errors import RequestError
from headwater.core.records import (
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Trade,
)
from headwater.feeds.replay_source import ReplaySource
from headwater.storage import funding, liquidations, open_interest, trades
from headwater.storage.base import LIMIT_MAX, Query, Span
from headwater.storage.sessions import ReadSession
from headwater.venues.discovery import venue as venue_of

__all__ = ["TAPE_ROWS_MAX", "StreamCollector", "stored_streams", "tape_streams"]

TAPE_ROWS_MAX: Final = 20_000_000
"""Most records of one contract that are taken into memory: about 4 GB while they are collected."""

_HEARD: Final[tuple[type[Record], ...]] = (Trade, Liquidation, MarkPrice, OpenInterest)
_at: Final = attrgetter("timestamp_ms")


class StreamCollector:
    """Collects the records of one contract.

    Args:
        exchange: venue id.
        symbol: canonical symbol.
    """

    def __init__(self, exchange: str, symbol: str) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self._trades: dict[int | str, Trade] = {}
        self._liquidations: list[Liquidation] = []
        self._interest: list[OpenInterest] = []
        self._marks: list[MarkPrice] = []
        self._funding: dict[int, tuple[float, float | None]] = {}
        self._settlements = Settlements()
        self._rows = 0

    def add(self, record: Record) -> None:
        """Takes a record; those of other contracts and kinds are passed over.

        Raises:
            RequestError: more than `TAPE_ROWS_MAX`.
        """
        if record.exchange != self.exchange or record.symbol != self.symbol:
            return
        if self._rows >= TAPE_ROWS_MAX:
            raise RequestError("tape", f"more than {TAPE_ROWS_MAX} records", "a shorter span")
        self._rows += 1
        if isinstance(record, Trade):
            self._trades.setdefault(record.trade_id, record)
        elif isinstance(record, Liquidation):
            self._liquidations.append(record)
        elif isinstance(record, OpenInterest):
            self._interest.append(record)
        elif isinstance(record, FundingRate):
            self._funding[record.funding_time_ms] = (record.rate, None)
        elif isinstance(record, MarkPrice):
            self._marks.append(record)
            settled = self._settlements.hear(record)
            if settled is not None:
                self._funding.setdefault(settled.at_ms, (settled.rate, settled.mark_price))

    def streams(self, bar_interval_ms: int) -> MarketStreams:
        """What was collected.

        Args:
            bar_interval_ms: length of the bars that are made of the trades; 0 for none.

        Raises:
            RequestError: no trade: there is nothing to match orders with.
        """
        if not self._trades:
            raise RequestError(
                "tape", f"{self.exchange}:{self.symbol}", "a recording with trades of it"
            )
        return MarketStreams(
            self.exchange,
            self.symbol,
            trades=_trades(sorted(self._trades.values(), key=_at)),
            liquidations=_liquidations(sorted(self._liquidations, key=_at)),
            funding=self._settled(),
            marks=_values(sorted(self._marks, key=_at), "mark"),
            open_interest=_values(sorted(self._interest, key=_at), "open_interest"),
            bar_interval_ms=bar_interval_ms,
        )

    def _settled(self) -> FundingColumns | None:
        """The settlements; those whose mark price nobody told are counted at the last price."""
        if not self._funding:
            return None
        times = sorted(self._funding)
        marks = [self._funding[at][1] for at in times]
        known = [one for one in marks if one is not None]
        return FundingColumns.of(
            np.array(times, dtype=np.int64),
            [self._funding[at][0] for at in times],
            known if len(known) == len(marks) else None,
        )


async def tape_streams(
    path: Path,
    contracts: Sequence[tuple[str, str]],
    *,
    clock: Clock,
    bar_interval_ms: int = 0,
) -> list[MarketStreams]:
    """Streams of a recorded tape.

    Args:
        path: folder or file of the tape.
        contracts: (exchange, symbol) of each that is wanted.
        clock: the real one, for waiting.
        bar_interval_ms: length of the bars that are made of the trades; 0 for none.

    Raises:
        RequestError: no trade of a contract, or too many records.
        ConfigError: no tape.
    """
    collectors = [StreamCollector(*name) for name in contracts]
    for exchange in dict.fromkeys(name for name, _ in contracts):
        mine = [one for one in collectors if one.exchange == exchange]
        part = path / exchange if (path / exchange).is_dir() else path
        bus = MemoryBus()
        filters = [TopicFilter(kind, exchange, one.symbol) for kind in _HEARD for one in mine]
        reader = bus.subscribe("tape", filters, TAPE_ROWS_MAX)
        source = ReplaySource(
            venue_of(exchange),
            part,
            bus=bus,
            clock=clock,
            rng=random.Random(0),  # noqa: S311 - jitter, no secret
            speed=0.0,
        )
        await source.start()
        try:
            await source.wait_finished()
        finally:
            await source.stop()
        for record in reader.drain():
            for one in mine:
                one.add(record)
        reader.close()
    return [one.streams(bar_interval_ms) for one in collectors]


def stored_streams(
    session: ReadSession,
    exchange: str,
    symbol: str,
    start_ms: int,
    end_ms: int,
    *,
    bar_interval_ms: int = 0,
) -> MarketStreams:
    """Streams of the stored trades, liquidations, funding and open interest of a contract.

    Args:
        session: of the database.
        exchange: venue id.
        symbol: canonical symbol.
        start_ms: first time.
        end_ms: times are before this.
        bar_interval_ms: length of the bars that are made of the trades; 0 for none.

    Raises:
        RequestError: no trade is stored of that time, or too many records are.
        StorageError: the database does not answer.
    """
    collector = StreamCollector(exchange, symbol)
    reads: tuple[Callable[[Span], Query[Any]], ...] = (
        lambda span: trades.between(exchange, symbol, span),
        lambda span: liquidations.between(span, symbol=symbol, exchanges=(exchange,)),
        lambda span: funding.between(exchange, symbol, span),
        lambda span: open_interest.between(exchange, symbol, span),
    )
    for read in reads:
        for record in _paged(session, read, start_ms, end_ms):
            if not isinstance(record, FundingRate) or record.funding_time_ms < end_ms:
                collector.add(record)
    return collector.streams(bar_interval_ms)


def _paged(
    session: ReadSession, read: Callable[[Span], Query[Any]], start_ms: int, end_ms: int
) -> Iterator[Record]:
    """The rows of a table, page by page; of a moment at a page's border none is lost or doubled.

    Raises:
        RequestError: more rows within one millisecond than a page holds.
    """
    while True:
        page = list(session.fetch(read(Span(start_ms=start_ms, end_ms=end_ms, limit=LIMIT_MAX))))
        if len(page) < LIMIT_MAX:
            yield from page
            return
        last = page[-1].timestamp_ms
        if last == start_ms:
            raise RequestError("start", start_ms, f"fewer than {LIMIT_MAX} records in a moment")
        yield from (one for one in page if one.timestamp_ms < last)
        start_ms = last


def _trades(rows: Sequence[Trade]) -> TradeTape:
    return TradeTape.of(
        _times(rows),
        [one.price for one in rows],
        [one.quantity for one in rows],
        [one.side is Side.BUY for one in rows],
    )


def _liquidations(rows: Sequence[Liquidation]) -> LiquidationTape | None:
    if not rows:
        return None
    return LiquidationTape.of(
        _times(rows),
        [one.price for one in rows],
        [one.quantity for one in rows],
        [one.position_side is PositionSide.LONG for one in rows],
    )


def _values(rows: Sequence[Record], field: str) -> ValueTape | None:
    if not rows:
        return None
    return ValueTape.of(_times(rows), [getattr(one, field) for one in rows])


def _times(rows: Iterable[Record]) -> Any:
    return np.array([one.timestamp_ms for one in rows], dtype=np.int64)
