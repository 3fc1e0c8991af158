"""A paper run on live feeds: starts them, hands their records to the run, writes the journal.

The rim around `backtest/paper_run.py`: sockets, clock and file are here, rules are there.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.app.live_feeds import LiveFeeds
from headwater.app.process import until_stopped
from headwater.app.settings import Settings
from headwater.backtest.event_account import EventAccount
from headwater.backtest.paper_journal import (
    SYNC_S,
    JournalEnd,
    JournalHeader,
    JournalTier,
    JournalWriter,
)
from headwater.backtest.paper_run import PaperRun, bars_from
from headwater.backtest.venue_fees import venue_fees
from headwater.bus.bus import Reader
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.errors import NotSupported
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.order_kinds import MarginMode
from headwater.core.records import Candle, Liquidation, MarkPrice, OpenInterest, Record, Trade
from headwater.feeds.venue_feed import VenueFeed
from headwater.strategies.bars import Bar
from headwater.strategies.base import BaseStrategy
from headwater.trading.paper_assumptions import FillAssumptions, SlippageModel
from headwater.trading.paper_contract import FeeSchedule, PaperContract

__all__ = ["PaperOrder", "run_paper"]

QUEUE: Final = 100_000
"""Records that may wait for the strategy; beyond it the oldest are dropped and counted."""

_HEARD: Final[tuple[type[Record], ...]] = (Trade, Candle, MarkPrice, Liquidation, OpenInterest)


class PaperOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run.

    Attributes:
        strategy: as the user named it.
        parameters: as the user gave them.
        contracts: (exchange, symbol) of each.
        interval: length of the bars.
        capital: cash at the start, quote currency.
        fee_bps: of every fill; None for the venue's maker and taker fees.
        slippage_bps: of fills that take.
        leverage: of every position.
        margin_mode: what a liquidation may take.
        history: bars that are asked of the venue before the start.
        journal: file to write.
        stop_after_s: None until a signal.
        is_simulated: whether the addresses are those of simulated exchanges.
    """

    strategy: str
    parameters: Mapping[str, str]
    contracts: tuple[tuple[str, str], ...]
    interval: Interval
    capital: Decimal
    fee_bps: Decimal | None
    slippage_bps: Decimal
    leverage: Decimal
    margin_mode: MarginMode
    history: int
    journal: Path
    stop_after_s: float | None
    is_simulated: bool


async def run_paper(
    order: PaperOrder, strategy: BaseStrategy, settings: Settings, tell: Callable[[str], object]
) -> JournalEnd:
    """Runs a strategy on live feeds until it is stopped; orders stay on paper.

    Args:
        order: what is to be run.
        strategy: the instance.
        settings: addresses and the like; venues and symbols are taken from the order.
        tell: takes what people should know before the start, a line each.

    Returns:
        The journal's last line.

    Raises:
        RequestError: a symbol that is not listed, or an order that makes no sense.
        JournalError: the journal cannot be written; the run has stopped.
    """
    settings = settings.model_copy(
        update={
            "venues": tuple(dict.fromkeys(one for one, _ in order.contracts)),
            "supported_symbols": tuple(dict.fromkeys(one for _, one in order.contracts)),
            "supported_intervals": (order.interval,),
        }
    )
    bus = MemoryBus()
    filters = [TopicFilter(kind, *name) for kind in _HEARD for name in order.contracts]
    reader = bus.subscribe("paper run", filters, QUEUE)
    feeds = LiveFeeds(settings, bus=bus, clock=SystemClock(), simulated=order.is_simulated)
    async with feeds as by_venue:
        header = await _header(order, by_venue, tell)
        writer = await asyncio.to_thread(JournalWriter, order.journal)
        try:
            writer.add(header)
            run = _run_of(header, strategy, writer)
            hearing = asyncio.create_task(_hear(run, reader, writer), name="paper run")
            reason = "stopped"
            try:
                await until_stopped(order.stop_after_s, feeds.failed, hearing)
                if run.is_over:
                    reason = "the account has no equity left"
            except BaseException as error:
                reason = f"failed: {type(error).__name__}: {error}"
                raise
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
                end = run.end(reason, reader.stats.dropped)
                writer.add(end)
            return end
        finally:
            reader.close()
            await asyncio.to_thread(writer.close)


async def _hear(run: PaperRun, reader: Reader, writer: JournalWriter) -> None:
    """Hands records over until the account is ruined or the task is cancelled."""
    loop = asyncio.get_running_loop()
    sync_at = loop.time() + SYNC_S
    while not run.is_over:
        for record in await reader.next_batch():
            run.hear(record)
        if loop.time() >= sync_at:
            await asyncio.to_thread(writer.flush, sync=True)
            sync_at = loop.time() + SYNC_S
        else:
            writer.flush()


def _run_of(header: JournalHeader, strategy: BaseStrategy, writer: JournalWriter) -> PaperRun:
    interval_ms = header.interval_ms
    return PaperRun(
        strategy,
        EventAccount(
            contracts=header.traded(),
            cash=Decimal(header.cash),
            fills=header.fills,
            currency=header.currency,
        ),
        interval_ms=interval_ms,
        past=[
            bars_from(rows, symbol=contract.symbol, interval_ms=interval_ms)
            for contract, rows in zip(header.contracts, header.past, strict=True)
        ],
        write=writer.add,
    )


async def _header(
    order: PaperOrder, feeds: Mapping[str, VenueFeed], tell: Callable[[str], object]
) -> JournalHeader:
    """What the run rests on: the venues' facts, the account and the bars before it."""
    tiers: list[tuple[JournalTier, ...]] = []
    contracts: list[PaperContract] = []
    past: list[tuple[Bar, ...]] = []
    currency = "USDT"
    for exchange, symbol in order.contracts:
        feed = feeds[exchange]
        await feed.wait_ready()
        instrument: Any = feed.table.resolve(symbol)
        table = await _margin_tiers(feed, instrument)
        tell(_told(exchange, symbol, table))
        contract = PaperContract.of_instrument(
            instrument,
            _fees(order, exchange),
            leverage=order.leverage,
            margin_mode=order.margin_mode,
            tiers=() if table is None else table.tiers,
            is_fee_demanded=table is not None and table.is_fee_demanded,
        )
        tiers.append(tuple(map(JournalTier.of, contract.tiers)))
        contracts.append(msgspec.structs.replace(contract, tiers=()))
        past.append(await _past(feed, instrument, order))
    bps = order.slippage_bps
    return JournalHeader(
        strategy=order.strategy,
        parameters=dict(order.parameters),
        interval_ms=order.interval.nominal_ms,
        contracts=tuple(contracts),
        cash=str(order.capital),
        currency=currency,
        fills=FillAssumptions(
            slippage=SlippageModel.FIXED_BPS if bps else SlippageModel.NONE, slippage_amount=bps
        ),
        past=tuple(past),
        is_simulated=order.is_simulated,
        tiers=tuple(tiers),
    )


async def _margin_tiers(feed: VenueFeed, instrument: Any) -> MarginTiers | None:
    """What the venue demands of a position; None where it tells nobody.

    Raises:
        VenueError: it does tell, but refused, failed or could not be reached.
    """
    try:
        return await feed.margin_tiers(instrument)
    except NotSupported:
        return None


def _told(exchange: str, symbol: str, table: MarginTiers | None) -> str:
    source = "none, a position is liquidated when its margin is used up"
    return f"margin tiers of {exchange}:{symbol}: {source if table is None else table.source}"


async def _past(feed: VenueFeed, instrument: Any, order: PaperOrder) -> tuple[Bar, ...]:
    """The bars that have closed; the newest one may still be forming and is left out."""
    if not order.history:
        return ()
    candles: Sequence[Candle] = await feed.candles(
        instrument, order.interval, limit=order.history + 1
    )
    return tuple(
        Bar(
            timestamp_ms=one.timestamp_ms,
            open=one.open,
            high=one.high,
            low=one.low,
            close=one.close,
            volume=one.volume,
        )
        for one in candles[:-1]
    )


def _fees(order: PaperOrder, exchange: str) -> FeeSchedule:
    if order.fee_bps is not None:
        rate = order.fee_bps / 10_000
        return FeeSchedule(maker=rate, taker=rate)
    fees = venue_fees(exchange)
    return FeeSchedule(maker=Decimal(str(fees.maker_rate)), taker=Decimal(str(fees.taker_rate)))
