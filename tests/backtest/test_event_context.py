"""What the context answers and refuses; orders through it stand in `test_event_run.py`."""

from decimal import Decimal
from typing import Any

import pytest
from tests.backtest.drives import bars_of
from tests.backtest.event_markets import Scripted, account

from headwater.backtest.event_context import bracket_of
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderState, OrderType
from headwater.core.orders import OrderEvent, OrderRequest


def _streams() -> list[MarketStreams]:
    flat = [100.0, 100.0, 100.0]
    return [
        MarketStreams(name, "BTCUSDT", bars=bars_of(flat, flat, flat, flat)) for name in ("x", "y")
    ]


def test_other_contracts_are_found_by_name() -> None:
    seen: list[Any] = []

    def act(context: Any) -> None:
        if context.exchange == "y":
            seen.append(
                (
                    len(context.bars_of("BTCUSDT", "x")),
                    context.last_price("BTCUSDT", "x"),
                    context.contract(exchange="x").exchange,
                    context.position(exchange="x"),
                    context.cash,
                    context.equity,
                    context.heatmap(),
                    context.event,
                )
            )

    streams = _streams()
    run_events(Scripted(act), streams, account(streams))
    # Bars that end together are all known before the first of them is heard.
    assert seen[0] == (1, 100.0, "x", Decimal(0), Decimal(10_000), Decimal(10_000), None, None)
    assert [one[0] for one in seen] == [1, 2, 3]


def test_submit_and_handles_reach_any_contract() -> None:
    names: list[Any] = []

    def act(context: Any) -> None:
        if context.exchange == "x" and len(context.bars) == 1:
            names.append(
                context.submit(
                    OrderRequest(
                        exchange="y",
                        symbol="BTCUSDT",
                        side=Side.BUY,
                        order_type=OrderType.LIMIT,
                        quantity=Decimal(1),
                        price=Decimal(50),
                        client_order_id="mine",
                    )
                )
            )
            handle = context.quote(True, 9_000, 10, contract=context.contract(exchange="y"))
            names.append(len(context.orders(exchange="y")))
            names.append(context.cancel(handle))
            names.append(context.cancel_all("BTCUSDT", "y"))

    streams = _streams()
    outcome = run_events(Scripted(act), streams, account(streams))
    assert names == ["mine", 2, True, 1]
    assert outcome.pending == []


def test_a_quote_takes_the_place_of_one_that_waits() -> None:
    """Cancelled when it waits, left alone when it has ended, also where the new one is refused."""
    told: list[Any] = []

    def act(context: Any) -> None:
        if context.exchange != "x" or len(context.bars) != 1:
            return
        first = context.quote(True, 9_000, 10)
        second = context.quote(True, 9_001, 10, instead_of=first)
        other = context.quote(False, 11_000, 10, instead_of=second)
        context.cancel(other)
        third = context.quote(True, 9_002, 10, instead_of=other)
        refused = context.quote(True, 9_003, 0, instead_of=third)
        told.extend(one.state for one in (first, second, other, third, refused))
        told.append(len(context.orders()))

    streams = _streams()
    outcome = run_events(Scripted(act), streams, account(streams))
    gone, refused = OrderState.CANCELLED, OrderState.REJECTED
    assert told == [gone, gone, gone, gone, refused, 0]
    kinds = [one.kind.value for one in outcome.events if isinstance(one, OrderEvent)]
    assert kinds == [
        "accepted", "cancelled", "accepted", "cancelled", "accepted", "cancelled", "accepted",
        "cancelled", "rejected",
    ]  # fmt: skip


def test_only_a_handle_is_taken_the_place_of() -> None:
    streams = _streams()
    with pytest.raises(RequestError, match=r"instead_of.*'p1'.*a handle that quote gave"):
        run_events(
            Scripted(lambda context: context.quote(True, 9_000, 1, instead_of="p1")),
            streams,
            account(streams),
        )


def test_an_unknown_contract_is_refused_with_those_that_are() -> None:
    streams = _streams()
    with pytest.raises(RequestError, match="one of x:BTCUSDT, y:BTCUSDT"):
        run_events(Scripted(lambda context: context.bars_of("NONE")), streams, account(streams))


def test_a_bracket_closes_on_the_other_side() -> None:
    entry = OrderRequest(
        exchange="x", symbol="B", side=Side.SELL, order_type=OrderType.MARKET, quantity=Decimal(1)
    )
    bracket = bracket_of(entry, Decimal("0.1"), None)
    assert bracket.target is None
    assert bracket.stop is not None
    assert (bracket.stop.side, bracket.stop_fraction) == (Side.BUY, Decimal("0.1"))
