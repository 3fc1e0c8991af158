"""Hyperliquid's candles and contexts against a hand-made server that answers as the notes say."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from headwater.core.enums import InstrumentKind, InstrumentStatus, PositionSide
from headwater.core.errors import WireError
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import Candle
from headwater.core.wallet_positions import WalletPosition
from headwater.venues.hyperliquid.market_replies import contexts_of
from headwater.venues.hyperliquid.market_rest import CANDLES_MAX, WEIGHT, HyperliquidMarketRest
from headwater.venues.messages import RestCall

T = TypeVar("T")

MINUTE_MS = 60_000
NOW_MS = 1_790_000_040_000
REST = HyperliquidMarketRest(InstrumentTable("hyperliquid", []))
COIN = Instrument(
    exchange="hyperliquid", symbol="BTCUSDT", native_symbol="BTC", timestamp_ms=0, received_ns=0,
    base_asset="BTC", quote_asset="USD", settle_asset="USDC",
    instrument_kind=InstrumentKind.PERPETUAL, status=InstrumentStatus.TRADING, is_linear=True,
    contract_size=1.0, price_tick=Decimal(1), quantity_step=Decimal("0.00001"), min_quantity=None,
    min_notional=None, funding_interval_h=1.0, listed_at_ms=None, expires_at_ms=None,
)  # fmt: skip


def minutes(count: int) -> list[int]:
    """Openings of the newest minutes, the forming one last."""
    newest_ms = NOW_MS - NOW_MS % MINUTE_MS
    return [newest_ms - at * MINUTE_MS for at in range(count - 1, -1, -1)]


def asked(call: RestCall[list[Candle]], openings: Sequence[int]) -> tuple[list[int], list[int]]:
    """Openings of the candles that a call gives, and the weights of its requests."""
    weights: list[int] = []
    try:
        request: HttpRequest = next(call)
        while True:
            weights.append(request.weight)
            wanted = msgspec.json.decode(request.body or b"")["req"]
            rows = [
                {"t": one, "T": one + MINUTE_MS - 1, "s": "BTC", "i": "1m", "o": "1", "c": "1",
                 "h": "1", "l": "1", "v": "0", "n": 0}
                for one in openings[-CANDLES_MAX:]
                if wanted["startTime"] <= one <= wanted["endTime"]
            ]  # fmt: skip
            body = msgspec.json.encode(rows)
            request = call.send(HttpReply(status=200, headers={}, body=body, received_ns=1))
    except StopIteration as stop:
        found: list[Candle] = stop.value
        return [one.timestamp_ms for one in found], weights


@pytest.mark.parametrize("count", [700, 9_000])
def test_from_before_the_first_candle_begins_with_the_first_there_is(count: int) -> None:
    """Only the newest 5,000 exist, and a young coin has fewer: never an empty success."""
    openings = minutes(count)
    call = REST.candles(COIN, Interval.M1, limit=500, start_ms=0, now_ms=NOW_MS)
    found, weights = asked(call, openings)
    assert found == openings[-CANDLES_MAX:][:500]
    assert len(weights) <= 2
    assert max(weights) <= WEIGHT + CANDLES_MAX // 60


def test_a_span_that_is_there_takes_one_request() -> None:
    openings = minutes(4_000)
    call = REST.candles(COIN, Interval.M1, limit=500, start_ms=openings[100], now_ms=NOW_MS)
    assert asked(call, openings) == (openings[100:600], [WEIGHT + 503 // 60])
    newest = REST.candles(COIN, Interval.M1, limit=500, now_ms=NOW_MS)
    assert asked(newest, openings)[0] == openings[-500:]
    ahead = REST.candles(COIN, Interval.M1, limit=5, start_ms=NOW_MS + MINUTE_MS, now_ms=NOW_MS)
    assert asked(ahead, openings) == ([], [])


def test_a_delisted_coin_does_not_hide_the_others() -> None:
    """Its context may hold what no market has."""
    universe = [
        {"name": "OLD", "szDecimals": 1, "isDelisted": True},
        {"name": "BTC", "szDecimals": 5},
        {"name": "NEW", "szDecimals": 0},
    ]
    contexts = [{"markPx": "0.0", "oraclePx": None, "funding": "0.0"}, {"markPx": "67000.0"}, None]
    body = msgspec.json.encode([{"universe": universe}, contexts])
    assert [(coin, one.mark) for coin, one in contexts_of(body)] == [("BTC", 67_000.0)]


def margin_tiers(row: dict[str, object], tables: list[object]) -> MarginTiers:
    """What the call makes of one coin's row and the tables."""
    body = {"universe": [{"name": "BTC", "szDecimals": 5} | row], "marginTables": tables}
    call = REST.margin_tiers(COIN)
    assert msgspec.json.decode(next(call).body or b"") == {"type": "meta"}
    reply = HttpReply(status=200, headers={}, body=msgspec.json.encode(body), received_ns=9)
    with pytest.raises(StopIteration) as end:
        call.send(reply)
    found = end.value.value
    assert isinstance(found, MarginTiers)
    return found


BTC_TABLE = [56, {"description": "tiered 40x", "marginTiers": [
    {"lowerBound": "0.0", "maxLeverage": 40}, {"lowerBound": "150000000.0", "maxLeverage": 20},
]}]  # fmt: skip


def test_margin_tiers_are_half_of_the_initial_margin() -> None:
    """1/80 = 1.25 % to 150 M, then 2.5 %; deduction 150 M × 1.25 % = 1 875 000."""
    found = margin_tiers({"maxLeverage": 40, "marginTableId": 56}, [BTC_TABLE])
    rates = [(one.maintenance_rate, one.maintenance_deduction) for one in found.tiers]
    assert rates == [(0.0125, 0.0), (0.025, pytest.approx(1_875_000.0))]
    assert (found.tiers[0].notional_cap, found.tiers[1].notional_cap) == (150e6, float("inf"))


@pytest.mark.parametrize("row", [{"maxLeverage": 3}, {"maxLeverage": 3, "marginTableId": 3}])
def test_a_table_that_is_not_listed_is_one_tier(row: dict[str, object]) -> None:
    """3×: 1/6 = 16.7 %."""
    [tier] = margin_tiers(row, [BTC_TABLE]).tiers
    assert (tier.leverage_max, tier.notional_floor) == (3.0, 0.0)
    assert tier.maintenance_rate == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    "tables", [[], [[56, {"marginTiers": []}]],
               [[56, {"marginTiers": [{"lowerBound": "5", "maxLeverage": 40}]}]]]
)  # fmt: skip
def test_margin_tables_that_mean_nothing_are_a_wire_error(tables: list[object]) -> None:
    with pytest.raises(WireError):
        margin_tiers({"maxLeverage": 40, "marginTableId": 56}, tables)


def wallet(*positions: dict[str, object]) -> list[WalletPosition]:
    """What the call makes of an account with these positions."""
    call = REST.wallet_positions(ADDRESS)
    request = next(call)
    assert msgspec.json.decode(request.body or b"") == {
        "type": "clearinghouseState",
        "user": ADDRESS,
    }
    assert request.weight == 2
    rows = [{"type": "oneWay", "position": POSITION | one} for one in positions]
    body = msgspec.json.encode({"assetPositions": rows, "time": NOW_MS})
    with pytest.raises(StopIteration) as end:
        call.send(HttpReply(status=200, headers={}, body=body, received_ns=9))
    found: list[WalletPosition] = end.value.value
    return found


ADDRESS = f"0x{7:040x}"
POSITION: dict[str, object] = {
    "coin": "BTC", "szi": "0.5", "entryPx": "60000.0", "positionValue": "33000.0",
    "liquidationPx": "54000.0", "leverage": {"type": "isolated", "value": 10, "rawUsd": "-27000"},
}  # fmt: skip


def test_a_position_is_long_above_zero_and_timed_by_the_venue() -> None:
    (one,) = wallet({})
    assert (one.position_side, one.quantity) == (PositionSide.LONG, 0.5)
    assert (one.timestamp_ms, one.address, one.is_cross) == (NOW_MS, ADDRESS, False)


def test_a_price_that_no_market_reaches_is_none_and_an_empty_position_is_no_position() -> None:
    prices: list[object] = [None, "0.0", "-12.5"]
    found = wallet(*({"liquidationPx": one} for one in prices), {"szi": "0.0"})
    assert [one.liquidation_price for one in found] == [None] * 3
    (unsaid,) = wallet({"entryPx": None})
    assert unsaid.entry_price is None


def test_coins_of_other_markets_are_left_out() -> None:
    found = wallet({"coin": "xyz:NVDA"}, {"coin": "@107"}, {"coin": "kPEPE"})
    assert [one.native_symbol for one in found] == ["kPEPE"]


@pytest.mark.parametrize(
    "body",
    [b"null", b"[]", b"{}", b'{"assetPositions":[{"position":{"coin":"BTC","szi":"much"}}]}'],
)
def test_what_is_no_account_is_an_error_and_not_an_empty_wallet(body: bytes) -> None:
    call = REST.wallet_positions(ADDRESS)
    next(call)
    with pytest.raises(WireError, match="clearinghouseState"):
        call.send(HttpReply(status=200, headers={}, body=body, received_ns=9))
