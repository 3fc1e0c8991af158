"""Golden JSON of every view."""

import json
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api import fake_source as fake

from headwater.api.schemas import views
from headwater.api.schemas.base import View, encode
from headwater.core.enums import GapState
from headwater.core.intervals import Interval

WHO = {"exchange": "binance", "symbol": "BTCUSDT", "native_symbol": "BTCUSDT"}
NOW = {**WHO, "timestamp": "2024-11-07T17:20:00.123Z"}

GOLDEN: list[tuple[View, dict[str, Any]]] = [
    (
        views.ohlc_view(fake.make_candle()),
        {
            **WHO,
            "timestamp": "2024-11-07T17:20:00.000Z",
            "interval": "1m",
            "open": 100.0,
            "high": 110.5,
            "low": 99.5,
            "close": 105.25,
            "volume": 12.5,
            "quote_volume": 1300.0,
            "trades_count": 42,
            "is_closed": False,
            "taker_buy_volume": 6.25,
            "built_from": None,
            "revision": 0,
        },
    ),
    (
        views.ohlc_view(
            msgspec.structs.replace(
                fake.make_candle(interval=Interval.M3, is_closed=True),
                quote_volume=None,
                built_from=Interval.M1,
                revision=2,
            )
        ),
        {
            **WHO,
            "timestamp": "2024-11-07T17:20:00.000Z",
            "interval": "3m",
            "open": 100.0,
            "high": 110.5,
            "low": 99.5,
            "close": 105.25,
            "volume": 12.5,
            "quote_volume": None,
            "trades_count": 42,
            "is_closed": True,
            "taker_buy_volume": 6.25,
            "built_from": "1m",
            "revision": 2,
        },
    ),
    (
        views.open_interest_view(fake.make_open_interest()),
        {**NOW, "open_interest": 80000.5, "open_interest_value": None},
    ),
    (
        views.funding_rate_view(fake.make_funding_rate()),
        {
            **NOW,
            "funding_rate": -0.0001,
            "funding_time": "2024-11-08T00:00:00.000Z",
            "interval_h": 8.0,
        },
    ),
    (
        views.trade_view(fake.make_trade(1)),
        {
            **WHO,
            "timestamp": "2024-11-07T17:20:00.124Z",
            "side": "buy",
            "price": 67890.1,
            "quantity": 0.015,
            "value": 1018.3515,
            "trade_id": "1",
        },
    ),
    (
        views.large_trade_view(fake.make_large_trade()),
        {
            **NOW,
            "side": "sell",
            "price": 67890.0,
            "quantity": 2.0,
            "value": 135780.0,
            "trade_id": "77",
            "is_buyer_maker": True,
        },
    ),
    (
        views.liquidation_view(fake.make_liquidation()),
        {
            **NOW,
            "side": "sell",
            "position_side": "long",
            "price": 67000.0,
            "quantity": 0.5,
            "value": 33500.0,
            "price_kind": "average",
            "order_id": None,
            "is_floor": True,
        },
    ),
    (
        views.any_liquidation_view(fake.make_liquidation()),
        {
            **NOW,
            "side": "sell",
            "position_side": "long",
            "price": 67000.0,
            "quantity": 0.5,
            "value": 33500.0,
            "price_kind": "average",
            "order_id": None,
            "is_floor": True,
            "type": "liquidation",
        },
    ),
    (
        views.any_large_trade_view(fake.make_trade(1)),
        {
            **WHO,
            "timestamp": "2024-11-07T17:20:00.124Z",
            "side": "buy",
            "price": 67890.1,
            "quantity": 0.015,
            "value": 1018.3515,
            "trade_id": "1",
            "is_buyer_maker": False,
            "type": "large_trade",
        },
    ),
    (
        views.oi_spike_view(fake.make_spike()),
        {
            "type": "oi_spike",
            **WHO,
            "timestamp": "2024-11-07T17:20:00.000Z",
            "timeframe": "5m",
            "method": "classic",
            "threshold": 3.0,
            "z_oi": 3.14,
            "z_vol": None,
            "confirmed": False,
            "open_interest_value": 9e8,
            "quote_volume": 1e6,
        },
    ),
    (
        views.order_book_view(fake.make_book(depth=3), 2),
        {
            **NOW,
            "bids": [[100.0, 1.5], [99.0, 1.5]],
            "asks": [[101.0, 2.5], [102.0, 2.5]],
            "sequence": 99,
        },
    ),
    (
        views.ticker_view(fake.make_ticker()),
        {
            **NOW,
            "bid": 99.5,
            "ask": None,
            "last": 100.0,
            "volume_24h": 1000.0,
            "quote_volume_24h": 100000.0,
            "change_24h": -0.0125,
        },
    ),
    (
        views.mark_price_view(fake.make_mark_price()),
        {
            **NOW,
            "mark_price": 100.01,
            "index_price": 100.02,
            "funding_rate": 0.0001,
            "next_funding_time": "2024-11-08T00:00:00.000Z",
        },
    ),
    (
        views.gap_view(fake.make_gap(1, GapState.REPAIRED)),
        {
            **WHO,
            "timestamp": "2024-11-07T17:20:00.124Z",
            "gap_id": 1,
            "channel": "trades",
            "cause": "disconnect",
            "state": "repaired",
            "until": "2024-11-07T17:20:00.129Z",
            "first_sequence": 1,
            "last_sequence": 9,
            "recovered": 0,
            "detail": "connection lost",
        },
    ),
    (
        views.instrument_view(fake.make_instrument()),
        {
            **WHO,
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "settle_asset": "USDT",
            "kind": "perpetual",
            "status": "trading",
            "is_linear": True,
            "contract_size": 1.0,
            "price_tick": "0.10",
            "quantity_step": "0.001",
            "min_quantity": "0.001",
            "min_notional": "100",
            "funding_interval_h": 8.0,
            "listed_at": "2019-09-25T08:00:00.000Z",
            "expires_at": None,
        },
    ),
]


@pytest.mark.parametrize(("view", "expected"), GOLDEN, ids=lambda value: type(value).__name__)
def test_json_of_each_view(view: View, expected: dict[str, Any]) -> None:
    assert list(json.loads(encode(view)).items()) == list(expected.items())


@given(
    price=st.floats(0, 1e12, allow_nan=False),
    quantity=st.floats(0, 1e12, allow_nan=False),
    trade_id=st.text(max_size=40).filter(lambda text: text.isprintable()),
)
def test_numbers_and_ids_survive_the_journey(price: float, quantity: float, trade_id: str) -> None:
    trade = msgspec.structs.replace(
        fake.make_trade(), price=price, quantity=quantity, trade_id=trade_id
    )
    read = json.loads(encode(views.trade_view(trade)))
    assert (read["price"], read["quantity"], read["trade_id"]) == (price, quantity, trade_id)


@pytest.mark.parametrize("depth", [0, 1, 3, 100])
def test_a_book_is_cut_to_depth(depth: int) -> None:
    view = views.order_book_view(fake.make_book(depth=3), depth)
    assert len(view.bids) == len(view.asks) == min(depth, 3)


def test_every_view_function_is_golden() -> None:
    makers: list[Callable[..., View]] = [
        value for name, value in vars(views).items() if name.endswith("_view")
    ]
    shown = {type(view) for view, _ in GOLDEN}
    assert {get_type_hints(make)["return"] for make in makers} == shown
