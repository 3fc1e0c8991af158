"""What the external liquidation service is asked, and what its replies mean; opens no socket.

Two questions (requirement O-S20). `/liquidation-orders` gives the newest closing orders of a
symbol, `/liquidations` their value per bucket of time and side. Times are milliseconds, `side` is
that of the closing order, and buckets are counted from `start_timestamp`, which is therefore asked
for at the beginning of a bucket; `end_timestamp` belongs to the span. Nothing found is told with
status 404 and a reason.

    [{"order_filled_accumulated_quantity": 0.5, "average_price": 60000.0,
      "order_trade_time": 1700000000000, "side": "SELL"}]
    [{"timestamp": 1700000100000, "side": "SELL", "cumulated_usd_size": 30000.0}]

A number may come as text. Fields not named here are ignored.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from headwater.analytics.exact_sums import units_of, value_of
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import RateLimited, VenueRejected, VenueUnavailable, WireError
from headwater.core.external_liquidations import EXTERNAL, ExternalVolume
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

ORDERS_MAX: Final = 1_000
"""Closing orders asked for; of more that come, the newest stay."""

ROWS_MAX: Final = 100_000
"""Most rows of a reply; one with more is refused."""

TIMEFRAMES: Final = (
    Interval.D1, Interval.H4, Interval.H1, Interval.M30, Interval.M15, Interval.M5, Interval.M1,
)  # fmt: skip
"""Lengths of a bucket that the service knows, the longest first; others are put together."""

_AMOUNT_MAX: Final = 1e18  # beyond any market, and far from where products and sums overflow
_MOMENT_MAX_MS: Final = 253_402_300_800_000  # the year 10000: later times have no text

RowT = TypeVar("RowT")


class _OrderRow(msgspec.Struct):
    order_trade_time: int
    side: str
    order_filled_accumulated_quantity: float | None = None
    average_price: float | None = None


class _SumRow(msgspec.Struct):
    timestamp: int
    side: str
    cumulated_usd_size: float


class _Refusal(msgspec.Struct):
    detail: str


def orders_request(symbol: str) -> HttpRequest:
    """Asks for the newest closing orders of a canonical symbol."""
    query = (("symbol", symbol), ("limit", str(ORDERS_MAX)))
    return HttpRequest(path="/liquidation-orders", query=query)


def volumes_request(symbol: str, interval: Interval, start_ms: int, end_ms: int) -> HttpRequest:
    """Asks for liquidated volume.

    Args:
        symbol: canonical symbol.
        interval: length of a bucket that is wanted; asked for is one that the service knows.
        start_ms: beginning of a bucket.
        end_ms: end of the last bucket, exclusive.
    """
    query = (
        ("symbol", symbol),
        ("timeframe", timeframe_of(interval).value),
        ("start_timestamp", str(start_ms)),
        ("end_timestamp", str(end_ms - 1)),
    )
    return HttpRequest(path="/liquidations", query=query)


def timeframe_of(interval: Interval) -> Interval:
    """The longest bucket the service knows of which every bar of `interval` is a whole number."""
    length_ms = interval.nominal_ms  # months and weeks are whole days, whatever their length
    return next(one for one in TIMEFRAMES if length_ms % one.nominal_ms == 0)


def read_orders(reply: HttpReply, symbol: str) -> tuple[Liquidation, ...]:
    """The closing orders of a reply, newest first, each once; orders that filled nothing are none.

    Args:
        reply: to `orders_request`.
        symbol: that was asked for.

    Raises:
        VenueUnavailable: the service says that it cannot answer now.
        RateLimited: it was asked too often.
        VenueRejected: it refused the question, or would have us ask elsewhere.
        WireError: the reply means nothing.
    """
    rows = _rows_of(reply, list[_OrderRow], "liquidation-orders")
    found = {}
    for row in rows:
        if not row.order_filled_accumulated_quantity or not row.average_price:
            continue
        made = _liquidation_of(row, reply, symbol)
        found[made.timestamp_ms, made.side, made.price, made.quantity] = made
    newest = sorted(found.values(), key=lambda one: one.timestamp_ms, reverse=True)
    return tuple(newest[:ORDERS_MAX])


def read_volumes(
    reply: HttpReply, interval: Interval, start_ms: int, end_ms: int
) -> tuple[ExternalVolume, ...]:
    """Liquidated volume per bucket, oldest first; what lies outside the span is left out.

    Args:
        reply: to `volumes_request` with the same span.
        interval: length of a bucket.
        start_ms: beginning of the first bucket.
        end_ms: end of the last one, exclusive.

    Raises:
        VenueUnavailable: the service says that it cannot answer now.
        RateLimited: it was asked too often.
        VenueRejected: it refused the question, or would have us ask elsewhere.
        WireError: the reply means nothing.
    """
    rows = _rows_of(reply, list[_SumRow], "liquidations")
    told = {
        (
            _moment("timestamp", row.timestamp, reply),
            _side("liquidations", row.side, reply),
            _amount("cumulated_usd_size", row.cumulated_usd_size, reply),
        )
        for row in rows
    }
    return _summed((one for one in told if start_ms <= one[0] < end_ms), interval)


def _summed(
    told: Iterable[tuple[int, Side, float]], interval: Interval
) -> tuple[ExternalVolume, ...]:
    """Exact sums per bucket, so that the order of the rows does not matter."""
    sums: dict[int, list[int]] = {}
    for moment_ms, side, usd in told:
        units = sums.setdefault(interval.opens_at_ms(moment_ms), [0, 0])
        units[side is Side.SELL] += units_of(usd)
    return tuple(
        ExternalVolume(opened_at_ms=opened_ms, buy_usd=value_of(buy), sell_usd=value_of(sell))
        for opened_ms, (buy, sell) in sorted(sums.items())
    )


def _liquidation_of(row: _OrderRow, reply: HttpReply, symbol: str) -> Liquidation:
    channel = "liquidation-orders"
    quantity = _amount(
        "order_filled_accumulated_quantity", row.order_filled_accumulated_quantity or 0.0, reply
    )
    price = _amount("average_price", row.average_price or 0.0, reply)
    side = _side(channel, row.side, reply)
    return Liquidation(
        exchange=EXTERNAL,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=_moment("order_trade_time", row.order_trade_time, reply),
        received_ns=reply.received_ns,
        side=side,
        position_side=PositionSide.LONG if side is Side.SELL else PositionSide.SHORT,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=PriceKind.AVERAGE,
        order_id=None,
        # Nobody promises that the service missed none: its sums are a lower bound at best.
        is_floor=True,
    )


def _rows_of(reply: HttpReply, kind: type[list[RowT]], channel: str) -> list[RowT]:
    """The rows of a reply, none where the service says that there are none."""
    if reply.status == HTTPStatus.NOT_FOUND and _says_none(reply.body):
        return []
    _check_status(reply)
    try:
        rows = msgspec.json.decode(reply.body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(EXTERNAL, channel, str(error), reply.body) from error
    if len(rows) > ROWS_MAX:
        raise WireError(EXTERNAL, channel, f"more than {ROWS_MAX} rows", reply.body)
    return rows


def _says_none(body: bytes) -> bool:
    """Whether a 404 is about the data; a wrong base address answers with `Not Found`."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return refusal.detail.lower().startswith("no ")


def _check_status(reply: HttpReply) -> None:
    status = reply.status
    if status == HTTPStatus.OK:
        return
    words = f"HTTP status {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise VenueUnavailable(EXTERNAL, words, http_status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(EXTERNAL, words, http_status=status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        words += ": redirects are not followed"
    raise VenueRejected(EXTERNAL, words, http_status=status)


def _side(channel: str, text: str, reply: HttpReply) -> Side:
    try:
        return Side(text.lower())
    except ValueError:
        problem = f"side={text[:20]!r}: want buy or sell"
        raise WireError(EXTERNAL, channel, problem, reply.body) from None


def _amount(name: str, value: float, reply: HttpReply) -> float:
    if not 0 <= value <= _AMOUNT_MAX:  # NaN is neither
        raise WireError(EXTERNAL, name, f"{value}: want 0 to {_AMOUNT_MAX:g}", reply.body)
    return value


def _moment(name: str, value: int, reply: HttpReply) -> int:
    if not 0 <= value < _MOMENT_MAX_MS:
        raise WireError(EXTERNAL, name, f"{str(value)[:40]}: want milliseconds", reply.body)
    return value
