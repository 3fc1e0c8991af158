"""Parity: a paper run repeated as a back-test over its journal, and what differs.

The journal's market events become streams as any recording's do, a fresh instance of the strategy
runs over them, and the order events of both are laid side by side. The tolerance is none: times in
milliseconds, kinds, reasons, prices and quantities must be the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_outcome import EventOutcome
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import LiquidationTape, MarketStreams, TradeTape, ValueTape
from headwater.backtest.funding import FundingColumns
from headwater.backtest.paper_journal import (
    AccountLine,
    HeardBar,
    HeardFunding,
    HeardLiquidation,
    HeardTrade,
    HeardValue,
    JournalEnd,
    JournalHeader,
    JournalLine,
    OrderLine,
    read_journal,
)
from headwater.backtest.paper_run import as_events, bars_from
from headwater.core.errors import RequestError
from headwater.core.orders import AccountEvent, OrderEvent
from headwater.strategies.base import BaseStrategy

__all__ = ["DIFFERENCES_MAX", "Difference", "Parity", "Recording", "parity_of", "read_recording"]

DIFFERENCES_MAX: Final = 50
"""Differences listed; further ones are only counted."""

_CAUSES: Final = frozenset({"sequence"})

StrategyMaker = Callable[[str, Mapping[str, Any]], BaseStrategy]
"""Makes a strategy of the name and parameters in a header."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One place at which live and back-test differ.

    Attributes:
        place: number of the event in both lists, from 1.
        live: what the journal says; None where it has no further event.
        replayed: what the back-test says; likewise.
    """

    place: int
    live: str | None
    replayed: str | None


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """How a paper run and its back-test compare.

    Attributes:
        heard: market events in the journal.
        live_events: order and account events of the run.
        replayed_events: those of the back-test.
        live_fills: executions of the run.
        replayed_fills: those of the back-test.
        differing: places that differ.
        differences: the first `DIFFERENCES_MAX` of them.
        is_ended: whether the journal has an end.
        live_equity: at the end, as the journal says; None without an end.
        replayed_equity: of the back-test.
    """

    heard: int
    live_events: int
    replayed_events: int
    live_fills: int
    replayed_fills: int
    differing: int
    differences: tuple[Difference, ...]
    is_ended: bool
    live_equity: Decimal | None
    replayed_equity: Decimal

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs, the equity at the end included."""
        return not self.differing and self.live_equity in (None, self.replayed_equity)


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A journal, read.

    Attributes:
        header: what the run rested on.
        streams: what was heard, by contract.
        events: what happened to orders and account.
        heard: how many market events.
        end: the last line; None when the run was cut off.
    """

    header: JournalHeader
    streams: tuple[MarketStreams, ...]
    events: tuple[OrderEvent | AccountEvent, ...]
    heard: int
    end: JournalEnd | None

    def account(self) -> EventAccount:
        """The account of the run."""
        header = self.header
        return EventAccount(
            contracts=header.traded(),
            cash=Decimal(header.cash),
            fills=header.fills,
            currency=header.currency,
        )


def read_recording(path: Path) -> Recording:
    """Reads a journal.

    Raises:
        RequestError: it is none, or heard nothing.
    """
    return recording_of(read_journal(path))


def recording_of(lines: Iterable[JournalLine]) -> Recording:
    """A recording from the lines of a journal.

    Raises:
        RequestError: no header, or nothing heard.
    """
    header: JournalHeader | None = None
    end: JournalEnd | None = None
    events: list[OrderEvent | AccountEvent] = []
    heard: dict[tuple[str, int], list[Any]] = {}
    for line in lines:
        if isinstance(line, JournalHeader):
            header = line
        elif isinstance(line, OrderLine | AccountLine):
            events.append(line.event)
        elif isinstance(line, JournalEnd):
            end = line
        elif isinstance(line, HeardValue):
            heard.setdefault((line.name, line.lane), []).append(line)
        else:
            heard.setdefault((type(line).__name__, line.lane), []).append(line)
    if header is None or not heard:
        raise RequestError("journal", "nothing heard", "a header and market events")
    return Recording(
        header=header,
        streams=tuple(_streams(header, heard, lane) for lane in range(len(header.contracts))),
        events=tuple(events),
        heard=sum(len(rows) for rows in heard.values()),
        end=end,
    )


def parity_of(recording: Recording, make: StrategyMaker) -> Parity:
    """Repeats a paper run as a back-test and compares.

    Args:
        recording: of the run.
        make: gives a fresh instance of its strategy.

    Raises:
        RequestError: the strategy cannot be made or run.
    """
    header = recording.header
    strategy = as_events(make(header.strategy, header.parameters), len(header.contracts))
    outcome: EventOutcome = run_events(strategy, recording.streams, recording.account())
    live = [_text(one) for one in recording.events]
    again = [_text(one) for one in outcome.events]
    places = [
        place
        for place in range(max(len(live), len(again)))
        if _at(live, place) != _at(again, place)
    ]
    return Parity(
        heard=recording.heard,
        live_events=len(live),
        replayed_events=len(again),
        live_fills=sum(_is_fill(one) for one in recording.events),
        replayed_fills=len(outcome.fills),
        differing=len(places),
        differences=tuple(
            Difference(place=place + 1, live=_at(live, place), replayed=_at(again, place))
            for place in places[:DIFFERENCES_MAX]
        ),
        is_ended=recording.end is not None,
        live_equity=None if recording.end is None else Decimal(recording.end.equity),
        replayed_equity=outcome.venue.equity,
    )


def _streams(
    header: JournalHeader, heard: Mapping[tuple[str, int], Sequence[Any]], lane: int
) -> MarketStreams:
    """What was heard of one contract, as columns."""
    contract = header.contracts[lane]
    past = header.past[lane]

    def rows(name: str) -> Sequence[Any]:
        return heard.get((name, lane), ())

    def column(name: str, field: str) -> list[Any]:
        return [getattr(row, field) for row in rows(name)]

    trade, forced = HeardTrade.__name__, HeardLiquidation.__name__
    bars = [*past, *column(HeardBar.__name__, "bar")]
    known = [bar.timestamp_ms for bar in past] + column(HeardBar.__name__, "at_ms")
    return MarketStreams(
        contract.exchange,
        contract.symbol,
        bars=bars_from(bars, symbol=contract.symbol, interval_ms=header.interval_ms),
        bars_known_ms=np.array(known, dtype=np.int64),
        past_bars=len(past),
        trades=TradeTape.of(
            np.array(column(trade, "at_ms"), dtype=np.int64),
            column(trade, "price"),
            column(trade, "quantity"),
            column(trade, "is_buy"),
        ),
        liquidations=LiquidationTape.of(
            np.array(column(forced, "at_ms"), dtype=np.int64),
            column(forced, "price"),
            column(forced, "quantity"),
            column(forced, "is_long"),
        ),
        funding=FundingColumns.of(
            column(HeardFunding.__name__, "at_ms"),
            column(HeardFunding.__name__, "rate"),
            column(HeardFunding.__name__, "mark_price"),
        ),
        marks=ValueTape.of(
            np.array(column("mark", "at_ms"), dtype=np.int64), column("mark", "value")
        ),
        open_interest=ValueTape.of(
            np.array(column("open_interest", "at_ms"), dtype=np.int64),
            column("open_interest", "value"),
        ),
    )


def _text(event: OrderEvent | AccountEvent) -> str:
    """All of an event, as text that people can compare too."""
    fields = {
        name: value
        for name, value in msgspec.to_builtins(event).items()
        if name not in _CAUSES and value is not None
    }
    return msgspec.json.encode(fields).decode()


def _at(texts: Sequence[str], place: int) -> str | None:
    return texts[place] if place < len(texts) else None


def _is_fill(event: OrderEvent | AccountEvent) -> bool:
    return isinstance(event, OrderEvent) and event.fill is not None
