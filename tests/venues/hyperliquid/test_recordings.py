"""Every recorded message of the venue: parsed, or skipped with a reason."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from headwater.core.enums import PositionSide, Side
from headwater.core.errors import WireError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.core.records import BookSnapshot, Trade
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.tape_format import TapeLine, read_tape
from headwater.venues.hyperliquid import VENUE, market_events, wire
from headwater.venues.messages import Ignored, StreamEvent

ROOT = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("HEADWATER_WIRE", ROOT.parent / "shared" / "wire"))
CUT_OFF = "Concurrent.txt"
"""A client's example whose candles have no prices: an error, and a true one."""
FILES = sorted(path for path in WIRE.glob("*/hyperliquid/**/*") if path.is_file())

pytestmark = pytest.mark.skipif(not FILES, reason="no recordings here (HEADWATER_WIRE)")


def test_the_positions_of_a_recorded_account() -> None:
    """A short with a price, a long that no price liquidates, all of one cross account."""
    (path,) = [one for one in FILES if one.name == "test_get_user_state.json"]
    (told,) = json.loads(path.read_bytes())
    asked = told["request"]["body"]
    call = VENUE.rest(InstrumentTable("hyperliquid", [])).wallet_positions(asked["user"])
    assert json.loads(next(call).body or b"") == asked
    body = json.dumps(told["response"]).encode()
    with pytest.raises(StopIteration) as end:
        call.send(HttpReply(status=200, headers={}, body=body, received_ns=9_000_000))
    found: list[WalletPosition] = end.value.value
    assert len(found) == 12
    short, long = found[:2]
    assert short == WalletPosition(
        exchange="hyperliquid",
        symbol="BTCUSDT",
        native_symbol="BTC",
        timestamp_ms=9,
        received_ns=9_000_000,
        address="0x5e9ee1089755c3435139848e47e6635505d5a13a",
        position_side=PositionSide.SHORT,
        quantity=0.00785,
        entry_price=26_951.0,
        liquidation_price=173_198.69592357,
        notional_usd=211.64542,
        leverage=20.0,
        is_cross=True,
    )
    assert (long.symbol, long.position_side) == ("ETHUSDT", PositionSide.LONG)
    assert (long.quantity, long.liquidation_price) == (0.1334, None)
    assert sum(one.notional_usd for one in found) == pytest.approx(3434.815334)


def events_of(path: Path) -> list[StreamEvent]:
    """Everything in a recording; each of its messages gives something."""
    reader = VENUE.tape_reader(InstrumentTable("hyperliquid", []))
    found: list[StreamEvent] = []
    for line in read_tape(path.read_bytes().splitlines(keepends=True)):
        assert isinstance(line, TapeLine), f"{path.name}: {line}"
        if line.note:
            continue
        made = reader.read(line.payload, line.received_ns or 1, url=line.url)
        assert made.events
        found += made.events
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_message_is_accounted_for(path: Path) -> None:
    if path.name == CUT_OFF:
        with pytest.raises(WireError, match="missing required field"):
            events_of(path)
        return
    found = events_of(path)
    assert all(one.reason for one in found if isinstance(one, Ignored))


def test_the_recording_comes_out_as_its_raw_values() -> None:
    """46 books and 64 trades: coin, side, size, price and time."""
    path = WIRE / "hftbacktest" / "hyperliquid" / "btc_20250126.txt"
    raw = [json.loads(line.split(" ", 1)[1]) for line in path.read_text().splitlines()]
    rows = [row for one in raw if one["channel"] == "trades" for row in one["data"]]
    images = [one["data"] for one in raw if one["channel"] == "l2Book"]
    found = events_of(path)
    trades = [one for one in found if isinstance(one, Trade)]
    books = [one for one in found if isinstance(one, BookSnapshot)]
    assert (len(trades), len(books)) == (64, 46)
    assert [
        (one.native_symbol, one.side, one.price, one.quantity, one.timestamp_ms, one.trade_id)
        for one in trades
    ] == [
        (
            row["coin"], Side.BUY if row["side"] == "B" else Side.SELL, float(row["px"]),
            float(row["sz"]), row["time"], row["tid"],
        )
        for row in rows
    ]  # fmt: skip
    assert [(one.native_symbol, one.timestamp_ms, one.bids, one.asks) for one in books] == [
        (
            image["coin"],
            image["time"],
            *(tuple((float(it["px"]), float(it["sz"])) for it in side) for side in image["levels"]),
        )
        for image in images
    ]


def test_l_d4_the_recorded_counterparty_saw_a_short_liquidated() -> None:
    """It opened a short (A), so the liquidated user bought: a short was closed."""
    path = WIRE / "nautilus" / "hyperliquid" / "ws_user_fill_liquidation.json"
    row = json.loads(path.read_text())["data"]["fills"][0]
    fill = msgspec.json.decode(json.dumps(row), type=wire.Fill, strict=False)
    assert not market_events.is_backstop(fill, "0xmaker")
    made = market_events.liquidation_of(fill, "0xmaker", "BTCUSDT", 1)
    assert (made.side, made.position_side) == (Side.BUY, PositionSide.SHORT)
    assert (made.price, made.quantity) == (66_653.0, 0.001)
    assert made.value == pytest.approx(66.653)
