"""Trades of OKX's stream: the short path of the usual message says what the long one does."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import Channel, InstrumentKind, InstrumentStatus
from headwater.core.errors import WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.records import Trade
from headwater.venues.messages import Ignored, Subscription
from headwater.venues.okx.market_stream import OkxStream

SWAP = "BTC-USDT-SWAP"
SUBSCRIPTION = Subscription(channel=Channel.TRADES, native_symbol=SWAP)


def _stream(contract_size: float, *, is_linear: bool = True) -> OkxStream:
    instrument = Instrument(
        exchange="okx",
        symbol="BTCUSDT",
        native_symbol=SWAP,
        timestamp_ms=0,
        received_ns=0,
        base_asset="BTC",
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=is_linear,
        contract_size=contract_size,
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.0001"),
        min_quantity=None,
        min_notional=None,
        funding_interval_h=8.0,
        listed_at_ms=None,
        expires_at_ms=None,
    )
    stream = OkxStream("public", InstrumentTable("okx", [instrument]))
    stream.subscribe([SUBSCRIPTION])
    return stream


def _row(size: str, trade_id: int = 1, side: str = "sell") -> dict[str, object]:
    return {
        "instId": SWAP, "tradeId": str(trade_id), "px": "67100.1", "sz": size, "side": side,
        "ts": "1700000000000", "count": "1", "source": "0", "seqId": 7,
    }  # fmt: skip


def _frame(*rows: dict[str, object]) -> bytes:
    return msgspec.json.encode({"arg": {"channel": "trades", "instId": SWAP}, "data": rows})


@given(
    st.decimals(min_value="0.01", max_value=1_000_000, places=2),
    st.sampled_from(["0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1000", "1000000"]),
)
def test_base_units_are_the_decimal_product_by_every_path(size: Decimal, contract: str) -> None:
    stream = _stream(float(contract))
    first, second = stream.feed(_frame(_row(str(size))), 1), stream.feed(_frame(_row(str(size))), 2)
    several = stream.feed(_frame(_row(str(size)), _row(str(size), 2)), 3)
    exact = float(size * Decimal(contract))
    for event in (*first, *second, *several):
        assert isinstance(event, Trade)
        assert event.quantity == exact
        assert event.value == event.price * exact


def test_the_short_path_is_for_those_who_subscribe() -> None:
    stream = _stream(0.01)
    assert [type(one) for one in stream.feed(_frame(_row("1")), 1)] == [Trade]
    assert stream.last_data_ns(SUBSCRIPTION) == 1
    stream.feed(_frame(_row("1", 2)), 2)
    assert stream.last_data_ns(SUBSCRIPTION) == 2
    stream.unsubscribe([SUBSCRIPTION])
    assert [type(one) for one in stream.feed(_frame(_row("1", 3)), 3)] == [Ignored]


def test_an_inverse_swap_keeps_to_the_price() -> None:
    stream = _stream(100.0, is_linear=False)
    for at_ns in (1, 2):
        (event,) = stream.feed(_frame(_row("20")), at_ns)
        assert isinstance(event, Trade)
        assert event.quantity == pytest.approx(20 * 100 / 67100.1)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_side_that_is_none_is_refused(rows: int) -> None:
    with pytest.raises(WireError):
        _stream(0.01).feed(_frame(*[_row("1", side="both")] * rows), 1)
