"""Views of trades: each text says what its number says."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import NOW_MS, make_trade

from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.trades import TradesUpdateView, terminal_trade
from headwater.core.enums import Side
from headwater.core.formatting import SymbolFormat, read_formatted

WRITTEN = SymbolFormat(price_places=2, amount_places=3)


def test_a_trade_as_a_screen_shows_it() -> None:
    """1,234,567.5 at two places, 0.015 at three; 17:20:00.124 UTC."""
    record = msgspec.structs.replace(
        make_trade(1), price=1_234_567.5, side=Side.SELL, trade_id=3_000_000_001
    )
    assert msgspec.json.decode(encode(terminal_trade(record, WRITTEN))) == {
        "id": "3000000001",
        "price": 1_234_567.5,
        "amount": 0.015,
        "side": "sell",
        "timestamp": NOW_MS + 1,
        "time": 1_731_000_000,
        "priceFormatted": "1,234,567.50",
        "amountFormatted": "0.015",
        "timeFormatted": "17:20:00",
    }


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_o_s4_every_text_reads_back_as_its_number(ticks: int, lots: int) -> None:
    record = msgspec.structs.replace(make_trade(1), price=ticks / 100, quantity=lots / 1000)
    view = terminal_trade(record, WRITTEN)
    assert float(read_formatted(view.price_formatted)) == view.price
    assert float(read_formatted(view.amount_formatted)) == view.amount


def test_a_message_names_its_type_and_can_be_read_back() -> None:
    message = TradesUpdateView(
        exchange="okx",
        symbol="BTCUSDT",
        trades=(terminal_trade(make_trade(1), WRITTEN),),
        initial=True,
        timestamp=5,
    )
    data = encode(message)
    assert data.startswith(b'{"type":"trades_update","exchange":"okx"')
    assert msgspec.json.decode(data, type=TradesUpdateView) == message
