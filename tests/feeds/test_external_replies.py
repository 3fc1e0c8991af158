"""What the external service's replies mean, by hand and for any bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import PlatformError, RateLimited, VenueRejected, VenueUnavailable
from headwater.core.errors import WireError as Unreadable
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.http_messages import HttpReply
from headwater.core.intervals import Interval
from headwater.feeds.external_replies import (
    ORDERS_MAX,
    ROWS_MAX,
    orders_request,
    read_orders,
    read_volumes,
    timeframe_of,
    volumes_request,
)

HOUR_MS = 3_600_000
T0 = 480_000 * HOUR_MS
FAR_MS = T0 + 1_000 * HOUR_MS


def reply(body: object, status: int = 200) -> HttpReply:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpReply(status=status, headers={}, body=data, received_ns=7)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "order_filled_accumulated_quantity": 0.5,
        "average_price": 60_000.0,
        "order_trade_time": T0,
        "side": "SELL",
    } | changes


def usd(at_ms: int, size: object, side: str = "SELL") -> dict[str, Any]:
    return {"timestamp": at_ms, "side": side, "cumulated_usd_size": size}


def test_o_s20_what_is_asked() -> None:
    """Hours are put together to a bar of two; the end belongs to the span of the service."""
    asked = orders_request("BTCUSDT")
    assert (asked.path, asked.query) == (
        "/liquidation-orders",
        (("symbol", "BTCUSDT"), ("limit", "1000")),
    )
    asked = volumes_request("BTCUSDT", Interval.H2, T0, T0 + 2 * HOUR_MS)
    assert asked.path == "/liquidations"
    assert dict(asked.query) == {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "start_timestamp": str(T0),
        "end_timestamp": str(T0 + 2 * HOUR_MS - 1),
    }


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [("1m", "1m"), ("3m", "1m"), ("15m", "15m"), ("6h", "1h"), ("8h", "4h"), ("1w", "1d"),
     ("1M", "1d"), ("3M", "1d")],
)  # fmt: skip
def test_other_lengths_are_put_together_of_whole_ones(wanted: str, asked: str) -> None:
    assert timeframe_of(Interval(wanted)) is Interval(asked)


def test_o_s20_an_order_by_hand() -> None:
    """0.5 BTC closed at 60,000 on average: 30,000 USD; selling closed a long."""
    (found,) = read_orders(reply([order(order_filled_accumulated_quantity="0.5")]), "BTCUSDT")
    assert (found.exchange, found.symbol, found.timestamp_ms) == ("external", "BTCUSDT", T0)
    assert (found.side, found.position_side) == (Side.SELL, PositionSide.LONG)
    assert (found.price, found.quantity, found.value) == (60_000.0, 0.5, 30_000.0)
    assert (found.price_kind, found.order_id, found.is_floor) == (PriceKind.AVERAGE, None, True)
    assert found.received_ns == 7
    (other,) = read_orders(reply([order(side="buy")]), "BTCUSDT")
    assert (other.side, other.position_side) == (Side.BUY, PositionSide.SHORT)


def test_orders_are_newest_first_each_once_and_filled() -> None:
    rows = [
        order(),
        order(order_trade_time=T0 + 5),
        order(),
        order(average_price=None),
        order(order_filled_accumulated_quantity=0),
    ]
    found = read_orders(reply(rows), "BTCUSDT")
    assert [one.timestamp_ms for one in found] == [T0 + 5, T0]
    many = [order(order_trade_time=T0 + number) for number in range(ORDERS_MAX + 3)]
    found = read_orders(reply(many), "BTCUSDT")
    assert (len(found), found[0].timestamp_ms) == (ORDERS_MAX, T0 + ORDERS_MAX + 2)


def test_volumes_by_hand() -> None:
    """A bar of two hours: 10.5 + 4.5 sold in its hours, 2 bought; a row told twice counts once.

    What lies before the span, or at its end, which the service counts in, is left out.
    """
    rows = [
        usd(T0 + HOUR_MS, 4.5),
        usd(T0, 10.5),
        usd(T0, 10.5),
        usd(T0, "2", "BUY"),
        usd(T0 - HOUR_MS, 99.0),
        usd(T0 + 4 * HOUR_MS, 99.0),
    ]
    found = read_volumes(reply(rows), Interval.H2, T0, T0 + 4 * HOUR_MS)
    assert found == (ExternalVolume(opened_at_ms=T0, buy_usd=2.0, sell_usd=15.0),)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500), st.sampled_from(["BUY", "SELL"]), st.floats(0, 1e9, width=32)
        )
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(
    told: "list[tuple[int, str, float]]", shuffled: Any
) -> None:
    rows = [usd(T0 + hours * HOUR_MS, size, side) for hours, side, size in told]
    first = read_volumes(reply(rows), Interval.D1, T0, FAR_MS)
    shuffled.shuffle(rows)
    assert read_volumes(reply(rows), Interval.D1, T0, FAR_MS) == first


def test_nothing_found_is_no_failure_but_a_wrong_address_is() -> None:
    nothing = reply({"detail": "No liquidation orders found for the given criteria"}, 404)
    assert read_orders(nothing, "BTCUSDT") == ()
    assert read_orders(reply([]), "BTCUSDT") == ()
    for body in (b'{"detail":"Not Found"}', b"<html>", b"{}", b"\xff", b"[" * 100_000):
        with pytest.raises(VenueRejected, match="404"):
            read_orders(reply(body, 404), "BTCUSDT")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, VenueUnavailable),
        (503, VenueUnavailable),
        (429, RateLimited),
        (400, VenueRejected),
        (302, VenueRejected),
        (204, VenueRejected),
    ],
)
def test_a_status_that_is_not_200_is_a_failure(status: int, kind: type[PlatformError]) -> None:
    with pytest.raises(kind, match=str(status)):
        read_orders(reply([], status), "BTCUSDT")


@pytest.mark.parametrize(
    "row",
    [
        order(side="short"),
        order(side=7),
        order(order_trade_time="yesterday"),
        order(order_trade_time=-1),
        order(order_trade_time=10**18),
        order(order_trade_time=None),
        order(average_price=-1.0),
        order(average_price="nan"),
        order(average_price=1e300),
        order(order_filled_accumulated_quantity="inf"),
        {"side": "SELL"},
        [],
        None,
    ],
)
def test_one_row_that_means_nothing_makes_the_reply_unreadable(row: object) -> None:
    with pytest.raises(Unreadable):
        read_orders(reply([order(), row]), "BTCUSDT")


@pytest.mark.parametrize("size", [-1.0, "nan", "much", None, 1e19])
def test_a_value_that_no_market_has_makes_the_reply_unreadable(size: object) -> None:
    with pytest.raises(Unreadable):
        read_volumes(reply([usd(T0, 1.0), usd(T0, size, "BUY")]), Interval.H1, T0, FAR_MS)


def test_a_reply_of_too_many_rows_is_refused() -> None:
    with pytest.raises(Unreadable, match="rows"):
        read_volumes(reply([usd(T0, 1.0)] * (ROWS_MAX + 1)), Interval.H1, T0, FAR_MS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*order(), *usd(0, 0)]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | _JSON.map(msgspec.json.encode), st.integers(100, 599))
def test_any_bytes_give_rows_or_an_error_of_ours(body: bytes, status: int) -> None:
    for code in (200, status):
        for read in (
            lambda one: read_orders(one, "BTCUSDT"),
            lambda one: read_volumes(one, Interval.H1, T0, FAR_MS),
        ):
            try:
                assert isinstance(read(reply(body, code)), tuple)
            except (VenueUnavailable, RateLimited, VenueRejected, Unreadable):
                continue
