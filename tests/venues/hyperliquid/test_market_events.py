"""Liquidations worked by hand from the notes on Hyperliquid, section 4."""

import msgspec
import pytest

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import Liquidation
from headwater.venues.hyperliquid import market_events, wire

USER = "0x360878d351f05975e25f1807a27895e1e5e004fb"
OTHER = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"


def fill(side: str, method: str = "backstop", liquidated: str | None = USER) -> wire.Fill:
    """A row of `userFills` in which 0.5 BTC went over at 60,000."""
    row = {
        "coin": "BTC", "px": "60000.0", "sz": "0.5", "side": side, "time": 1_781_528_065_899,
        "tid": 745_210_434_703_679,
        "liquidation": {"liquidatedUser": liquidated, "markPx": "60010.0", "method": method},
    }  # fmt: skip
    return msgspec.json.decode(msgspec.json.encode(row), type=wire.Fill, strict=False)


def read(side: str, user: str) -> Liquidation:
    """The row as `user` had it."""
    return market_events.liquidation_of(fill(side), user, "BTCUSDT", 1)


@pytest.mark.parametrize(
    ("letter", "user", "side", "position"),
    [
        ("A", USER, Side.SELL, PositionSide.LONG),
        ("B", USER, Side.BUY, PositionSide.SHORT),
        ("B", OTHER, Side.SELL, PositionSide.LONG),
        ("A", OTHER, Side.BUY, PositionSide.SHORT),
    ],
)
def test_l_d4_the_closing_side_is_the_liquidated_users(
    letter: str, user: str, side: Side, position: PositionSide
) -> None:
    """L-D4: not "B is a long liquidated" but who is who decides."""
    made = read(letter, user)
    assert (made.side, made.position_side) == (side, position)
    assert (made.price, made.quantity, made.value) == (60_000.0, 0.5, 30_000.0)
    assert (made.price_kind, made.is_floor) == (PriceKind.AVERAGE, True)
    assert made.timestamp_ms == 1_781_528_065_899


def test_l_d4_addresses_are_compared_whatever_their_case() -> None:
    assert read("A", USER.upper().replace("0X", "0x")).position_side is PositionSide.LONG


def test_only_take_overs_from_somebody_else_count() -> None:
    assert market_events.is_backstop(fill("B"), OTHER)
    assert not market_events.is_backstop(fill("B", method="market"), OTHER)
    assert not market_events.is_backstop(fill("B"), USER)
    assert not market_events.is_backstop(fill("B", liquidated=None), OTHER)


def test_funding_is_due_at_the_next_full_hour() -> None:
    assert market_events.next_funding_ms(3_600_000 * 1_000_000) == 7_200_000
    assert market_events.next_funding_ms((3_600_000 * 1_000_000) - 1) == 3_600_000
