"""Paging of Bybit's histories against a hand-made server that answers as the documents say."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import WireError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.venues.bybit.market_rest import BybitMarketRest
from headwater.venues.messages import RestCall

T = TypeVar("T")

HOUR_MS = 3_600_000
NOW_MS = 1_790_000_040_000
NOW_HOUR_MS = NOW_MS - NOW_MS % (8 * HOUR_MS)
REQUESTS_MAX = 60


def contract(listed_at_ms: int | None) -> Instrument:
    """A perpetual."""
    return Instrument(
        exchange="bybit", symbol="BTCUSDT", native_symbol="BTCUSDT", timestamp_ms=0, received_ns=0,
        base_asset="BTC", quote_asset="USDT", settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL, status=InstrumentStatus.TRADING, is_linear=True,
        contract_size=1.0, price_tick=Decimal("0.1"), quantity_step=Decimal("0.001"),
        min_quantity=None, min_notional=None, funding_interval_h=8.0, listed_at_ms=listed_at_ms,
        expires_at_ms=None,
    )  # fmt: skip


def answered(call: RestCall[T], times_ms: Sequence[int]) -> tuple[T, int]:
    """What a call makes of rows at these times, and how many requests it took.

    Of a span with more rows than the limit the venue returns the newest.
    """
    requests = 0
    try:
        request = next(call)
        while True:
            requests += 1
            assert requests <= REQUESTS_MAX
            asked = dict(request.query)
            first_ms = int(asked.get("startTime", 0))
            last_ms = int(asked.get("endTime", NOW_MS))
            assert first_ms <= last_ms
            rows = [one for one in times_ms if first_ms <= one <= last_ms][-int(asked["limit"]) :]
            if request.path.endswith("funding/history"):
                listed = [
                    {
                        "symbol": "BTCUSDT",
                        "fundingRate": "0.0001",
                        "fundingRateTimestamp": str(one),
                    }
                    for one in reversed(rows)
                ]
            else:
                listed = [
                    {"openInterest": "2", "singleOpenInterest": "1", "timestamp": str(one)}
                    for one in reversed(rows)
                ]
            body = {"retCode": 0, "retMsg": "OK", "result": {"list": listed}, "time": NOW_MS}
            reply = HttpReply(
                status=200,
                headers={},
                body=msgspec.json.encode(body),
                received_ns=NOW_MS * 1_000_000,
            )
            request = call.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result, requests


def rows_since(first_ms: int, step_ms: int) -> list[int]:
    """Times of rows from one on until now."""
    return list(range(first_ms, NOW_MS, step_ms))


REST = BybitMarketRest(InstrumentTable("bybit", []))


@pytest.mark.parametrize("limit", [1, 3, 450])
def test_open_interest_from_before_the_first_row_begins_with_the_first(limit: int) -> None:
    """An empty window is not the end of the history."""
    first_ms = NOW_HOUR_MS - 1_000 * HOUR_MS
    times = rows_since(first_ms, HOUR_MS)
    call = REST.open_interest_history(
        contract(first_ms - HOUR_MS), Interval.H1, limit=limit, start_ms=0
    )
    found, _ = answered(call, times)
    assert [one.timestamp_ms for one in found] == times[:limit]


@pytest.mark.parametrize("limit", [1, 3, 250])
def test_funding_from_before_the_listing_begins_with_the_first(limit: int) -> None:
    first_ms = NOW_HOUR_MS - 300 * 8 * HOUR_MS
    times = rows_since(first_ms, 8 * HOUR_MS)
    call = REST.funding_history(contract(first_ms - HOUR_MS), limit=limit, start_ms=0)
    found, requests = answered(call, times)
    assert [one.funding_time_ms for one in found] == times[:limit]
    assert requests <= 300 * 8 // 200 + 1


def test_a_history_ends_with_the_present() -> None:
    """More rows are wanted than there are."""
    first_ms = NOW_HOUR_MS - 500 * HOUR_MS
    times = rows_since(first_ms, HOUR_MS)
    call = REST.open_interest_history(
        contract(first_ms), Interval.H1, limit=5_000, start_ms=first_ms
    )
    found, requests = answered(call, times)
    assert ([one.timestamp_ms for one in found], requests) == (times, 3)
    funding, requests = answered(
        REST.funding_history(contract(first_ms), limit=5_000, start_ms=first_ms), times[::8]
    )
    assert ([one.funding_time_ms for one in funding], requests) == (times[::8], 3)


def test_newest_rows_are_paged_backwards() -> None:
    times = rows_since(NOW_HOUR_MS - 500 * HOUR_MS, HOUR_MS)
    call = REST.open_interest_history(contract(None), Interval.H1, limit=450)
    assert [one.timestamp_ms for one in answered(call, times)[0]] == times[-450:]
    funding = REST.funding_history(contract(None), limit=450, end_ms=times[-3])
    assert [one.funding_time_ms for one in answered(funding, times)[0]] == times[-452:-2]


RISK_ROW = {"id": 1, "symbol": "BTCUSDT", "isLowestRisk": 1}


def risk_limits(*rows: dict[str, str]) -> MarginTiers:
    """What the call makes of these tiers."""
    listed = [RISK_ROW | row for row in rows]
    body = {"retCode": 0, "result": {"category": "linear", "list": listed}, "time": NOW_MS}
    call = BybitMarketRest(InstrumentTable("bybit", [])).margin_tiers(contract(None))
    request = next(call)
    assert (request.path, dict(request.query)["symbol"]) == ("/v5/market/risk-limit", "BTCUSDT")
    with pytest.raises(StopIteration) as end:
        call.send(HttpReply(status=200, headers={}, body=msgspec.json.encode(body), received_ns=9))
    found = end.value.value
    assert isinstance(found, MarginTiers)
    return found


SMALL = {"riskLimitValue": "2000000", "maintenanceMargin": "0.005", "initialMargin": "0.01",
         "maxLeverage": "100.00", "mmDeduction": ""}  # fmt: skip
LARGE = {"riskLimitValue": "2600000", "maintenanceMargin": "0.0056", "initialMargin": "0.0112",
         "maxLeverage": "89.29", "mmDeduction": "1200"}  # fmt: skip


def test_margin_tiers_begin_where_the_one_before_ends() -> None:
    """2 000 000 × (0.56 % − 0.5 %) = 1 200: the venue's deduction is the running one."""
    found = risk_limits(LARGE, SMALL)
    assert found.timestamp_ms == NOW_MS
    assert [(one.notional_floor, one.notional_cap) for one in found.tiers] == [
        (0.0, 2e6),
        (2e6, 2.6e6),
    ]
    assert [one.maintenance_deduction for one in found.tiers] == [0.0, 1200.0]
    worked_out = risk_limits(SMALL, {**LARGE, "mmDeduction": ""}).tiers
    assert worked_out[1].maintenance_deduction == pytest.approx(1200.0)


def test_margin_rates_in_percents_are_known_by_the_leverage() -> None:
    """The documents' example: 1 with 100× can only be a percent, so 0.5 is 0.5 %."""
    percents = {**SMALL, "maintenanceMargin": "0.5", "initialMargin": "1"}
    assert risk_limits(percents).tiers[0].maintenance_rate == pytest.approx(0.005)


@pytest.mark.parametrize(
    "wrong",
    [{"riskLimitValue": "0"}, {"maintenanceMargin": "1.5"}, {"mmDeduction": "much"},
     {"maxLeverage": "inf"}],
)  # fmt: skip
def test_margin_tiers_that_mean_nothing_are_a_wire_error(wrong: dict[str, str]) -> None:
    with pytest.raises(WireError):
        risk_limits(SMALL | wrong)
    with pytest.raises(WireError):
        risk_limits(SMALL, SMALL)
