"""Large trades: the threshold is inclusive and the maker is the taker's opposite."""

from headwater.analytics.large_trades import large_trade_of
from headwater.core.enums import Side
from headwater.core.records import Trade


def _trade(value: float, side: Side) -> Trade:
    return Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=2,
        side=side,
        price=value,
        quantity=1.0,
        value=value,
        trade_id="9",
        sequence=9,
    )


def test_threshold_is_inclusive() -> None:
    assert large_trade_of(_trade(49_999.99, Side.BUY), 50_000) is None
    large = large_trade_of(_trade(50_000.0, Side.SELL), 50_000)
    assert large is not None
    assert large.is_buyer_maker
    assert (large.value, large.trade_id, large.kind) == (50_000.0, "9", "large_trade")


def test_a_buying_taker_met_a_selling_maker() -> None:
    large = large_trade_of(_trade(60_000.0, Side.BUY), 50_000)
    assert large is not None
    assert not large.is_buyer_maker
