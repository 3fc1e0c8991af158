"""Replays a tape of trades under a market maker in hftbacktest, in an environment of its own.

`python -m benchmarks.peers.run_hftbacktest JOBS.json ANSWERS.json`; the jobs are `TapeCase`s. The
strategy is compiled by Numba, which the warm-up pays. There is no book, only trades: a limit is
filled when a trade passes it, by the package's exchange without partial fills. No latency.
"""

import gc
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

from benchmarks.peers.case import spent_of
from benchmarks.peers.tape_case import TICK, Tape, TapeCase, load_tape

_SECOND_NS: Final = 1_000_000_000
_NS_IN_MS: Final = 1_000_000
_HEARD: Final = 100_000
"""Trades that the package keeps between two looks; more than any second has."""


@njit
def _requote(hbt, half_spread, quantity, stays):  # type: ignore[no-untyped-def]
    """Every second a look at the last price, then both limits anew, or only those gone."""
    last = np.nan
    number = 1
    bid_id, ask_id = 0, 0
    while hbt.elapse(_SECOND_NS) == 0:
        trades = hbt.last_trades(0)
        if len(trades):
            last = trades[len(trades) - 1].px
            hbt.clear_last_trades(0)
        hbt.clear_inactive_orders(0)
        if np.isnan(last):
            continue
        orders = hbt.orders(0)
        bid_rests = bid_id in orders
        ask_rests = ask_id in orders
        if not stays:
            if bid_rests:
                hbt.cancel(0, bid_id, False)
            if ask_rests:
                hbt.cancel(0, ask_id, False)
            bid_rests = ask_rests = False
        if not bid_rests:
            bid_id = number
            hbt.submit_buy_order(0, bid_id, last - half_spread, quantity, GTC, LIMIT, False)
            number += 1
        if not ask_rests:
            ask_id = number
            hbt.submit_sell_order(0, ask_id, last + half_spread, quantity, GTC, LIMIT, False)
            number += 1
    return number - 1, 0


@njit
def _hear(hbt, half_spread, quantity):  # type: ignore[no-untyped-def]
    """Called for every trade; both limits anew with the first trade of a second."""
    number, heard = 1, 0
    bid_id, ask_id = 0, 0
    due = 0
    while hbt.wait_next_feed(False, 3_600 * _SECOND_NS) != 1:
        trades = hbt.last_trades(0)
        heard += len(trades)
        if not len(trades):
            continue
        last = trades[len(trades) - 1].px
        hbt.clear_last_trades(0)
        if hbt.current_timestamp < due:
            continue
        due = hbt.current_timestamp + _SECOND_NS
        hbt.clear_inactive_orders(0)
        orders = hbt.orders(0)
        if bid_id in orders:
            hbt.cancel(0, bid_id, False)
        if ask_id in orders:
            hbt.cancel(0, ask_id, False)
        bid_id, ask_id = number, number + 1
        number += 2
        hbt.submit_buy_order(0, bid_id, last - half_spread, quantity, GTC, LIMIT, False)
        hbt.submit_sell_order(0, ask_id, last + half_spread, quantity, GTC, LIMIT, False)
    return number - 1, heard


def prepare(tape: Tape) -> Any:
    """The package's events."""
    events = np.zeros(len(tape.price), dtype=event_dtype)
    side = np.where(tape.buys, BUY_EVENT, SELL_EVENT).astype(np.uint64)
    events["ev"] = side | np.uint64(TRADE_EVENT | EXCH_EVENT | LOCAL_EVENT)
    events["exch_ts"] = events["local_ts"] = tape.timestamp_ms * _NS_IN_MS
    events["px"], events["qty"] = tape.price, tape.quantity
    return events


def run(case: TapeCase, events: Any) -> dict[str, Any]:
    """One replay."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0002, 0.0005)
        .tick_size(TICK)
        .lot_size(0.001)
        .last_trades_capacity(_HEARD)
    )
    backtest = HashMapMarketDepthBacktest([asset])
    half_spread = case.half_spread_ticks * TICK
    if case.mode == "hear":
        orders, heard = _hear(backtest, half_spread, case.quantity)
    else:
        orders, heard = _requote(backtest, half_spread, case.quantity, case.mode == "stay")
    state = backtest.state_values(0)
    found = {
        "orders": int(orders),
        "heard": int(heard),
        "fills": int(state.num_trades),
        "position": float(state.position),
        "cash": float(state.balance) - float(state.fee),
    }
    backtest.close()
    return found


def answer(case: TapeCase) -> dict[str, Any]:
    """One case; compilation is paid before the time is taken."""
    tape = load_tape(case.tape)
    events = prepare(tape)
    run(case, prepare(tape.head(2_000)))
    spent: list[float] = []
    for _ in range(case.repeats):
        gc.collect()
        began = time.process_time()
        found = run(case, events)
        spent.append(time.process_time() - began)
    return {**found, "trades": len(tape.price), **spent_of(spent)}


def main() -> None:
    """Reads the jobs, writes the answers."""
    name = f"hftbacktest {version('hftbacktest')}"
    jobs = [TapeCase(**each) for each in json.loads(Path(sys.argv[1]).read_text())]
    answers = [{"peer": name, **answer(case)} for case in jobs]
    Path(sys.argv[2]).write_text(json.dumps(answers))
    os._exit(0)


if __name__ == "__main__":
    main()
