"""Replays a tape of trades under a market maker in our own engine, as `run_hftbacktest` in its.

`python -m benchmarks.peers.run_headwater_tape JOBS.json ANSWERS.json`; the jobs are `TapeCase`s.
The strategy is Python and hears the end of every second (`on_bar`), or every trade (`on_trade`).
A limit fills when a trade passes it; account, margin and fees are the paper venue's, exact to the
last digit, and every order event is kept with its reason.
"""

import gc
import json
import sys
import time
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.case import spent_of
from benchmarks.peers.tape_case import TICK, Tape, TapeCase, load_tape
from headwater import __version__
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.core.order_kinds import FINAL_STATES
from headwater.strategies.base import BaseStrategy
from headwater.strategies.context import StrategyContext
from headwater.strategies.parameters import Integer
from headwater.trading.paper_contract import FeeSchedule, PaperContract

_SECOND_MS: Final = 1_000
_STEP: Final = Decimal("0.001")
_NAME: Final = ("binance", "BTCUSDT")

_DECLARED: Final = (
    Integer("away", 20, "Ticks between the last price and each limit.", least=1, most=10_000),
    Integer("lots", 10, "Steps of each limit.", least=1, most=1_000_000),
)


class _Requoting(BaseStrategy):
    """Both limits anew every second."""

    name = "requoting"
    description = "A market maker that replaces both limits every second."
    declared = _DECLARED

    def on_start(self, context: StrategyContext) -> None:
        """Nothing rests yet."""
        del context
        self.bid: Any = None
        self.ask: Any = None
        self.orders = 0
        self.heard = 0
        self.away, self.lots = self.params["away"], self.params["lots"]
        self.due_ms = 0

    def on_bar(self, context: StrategyContext) -> None:
        """A second has ended."""
        self.requote(context)

    def requote(self, context: StrategyContext) -> None:
        """Cancels what rests and places both limits around the last price."""
        last = context.last_price()
        if last is None:
            return
        ticks = round(last / TICK)
        quote, away, lots = context.quote, self.away, self.lots
        self.bid = quote(True, ticks - away, lots, instead_of=self.bid)
        self.ask = quote(False, ticks + away, lots, instead_of=self.ask)
        self.orders += 2


class _Staying(_Requoting):
    """Limits that stay until they are filled, looked at every second."""

    name = "staying"
    description = "A market maker whose limits stay until they are filled."

    def on_bar(self, context: StrategyContext) -> None:
        """A second has ended."""
        last = context.last_price()
        if last is None:
            return
        if self.bid is None or self.bid.state in FINAL_STATES:
            self.bid = context.quote(True, round(last / TICK) - self.away, self.lots)
            self.orders += 1
        if self.ask is None or self.ask.state in FINAL_STATES:
            self.ask = context.quote(False, round(last / TICK) + self.away, self.lots)
            self.orders += 1


class _Hearing(_Requoting):
    """Hears every trade; limits anew with the first one of a second."""

    name = "hearing"
    description = "A market maker that hears every trade."

    def on_trade(self, context: StrategyContext) -> None:
        """Somebody traded."""
        self.heard += 1
        if context.now_ms >= self.due_ms:
            self.due_ms = context.now_ms + _SECOND_MS
            self.requote(context)

    on_bar = BaseStrategy.on_bar


_STRATEGIES: Final = {"requote": _Requoting, "stay": _Staying, "hear": _Hearing}


def prepare(case: TapeCase, tape: Tape) -> MarketStreams:
    """Our streams of the tape."""
    return MarketStreams(
        exchange=_NAME[0],
        symbol=_NAME[1],
        trades=TradeTape.of(tape.timestamp_ms, tape.price, tape.quantity, tape.buys),
        bar_interval_ms=0 if case.mode == "hear" else _SECOND_MS,
    )


def run(case: TapeCase, streams: MarketStreams) -> dict[str, Any]:
    """One replay."""
    strategy = _STRATEGIES[case.mode](
        {"away": case.half_spread_ticks, "lots": round(case.quantity / float(_STEP))}
    )
    contract = PaperContract(
        exchange=_NAME[0],
        symbol=_NAME[1],
        price_tick=Decimal(str(TICK)),
        quantity_step=_STEP,
        fees=FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.0005")),
    )
    # So much that margin refuses nothing: the peer knows none.
    account = EventAccount(contracts=(contract,), cash=Decimal(10**9))
    outcome = run_events(strategy, [streams], account)
    market = outcome.venue.market(*_NAME)
    return {
        "orders": strategy.orders,
        "heard": strategy.heard,
        "fills": len(outcome.entries.fills),
        "position": float(market.scale.quantity(market.pos)),
        "cash": float(outcome.venue.cash),
    }


def answer(case: TapeCase) -> dict[str, Any]:
    """One case."""
    tape = load_tape(case.tape)
    run(case, prepare(case, tape.head(2_000)))
    spent: list[float] = []
    for _ in range(case.repeats):
        streams = prepare(case, tape)
        gc.collect()
        began = time.process_time()
        found = run(case, streams)
        spent.append(time.process_time() - began)
    return {**found, "case": asdict(case), "trades": len(tape.price), **spent_of(spent)}


def main() -> None:
    """Reads the jobs, writes the answers."""
    jobs = [TapeCase(**each) for each in json.loads(Path(sys.argv[1]).read_text())]
    answers = [{"peer": f"headwater {__version__}", **answer(case)} for case in jobs]
    Path(sys.argv[2]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
