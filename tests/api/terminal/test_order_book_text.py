"""The bytes of an update are what its view says, and what decimals give."""

import json
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.book_ladder import LadderBook
from headwater.api.schemas.terminal.order_book import AsksOrder, OrderbookUpdateView
from headwater.api.terminal.order_book_text import (
    LABELS_MAX,
    LEVEL_BYTES,
    BookHead,
    BookRendering,
    message_of,
)
from headwater.core.formatting import SymbolFormat, fixed
from headwater.core.records import Level

TICK = Decimal("0.1")
FORMAT = SymbolFormat(price_places=1, amount_places=3)
OPTIONS = (Decimal("0.1"), Decimal(1), Decimal(10))

HEAD = BookHead(
    exchange="binance",
    symbol="BTCUSDT",
    state="live",
    options=OPTIONS,
    raw_bids=2,
    raw_asks=3,
    timestamp_ms=1_731_000_000_123,
)


def naive(levels: list[Level], rounding: Decimal, limit: int, *, bids: bool) -> list[Any]:
    """A side in decimals, from scratch: each level as JSON has it."""
    sums: dict[Decimal, Decimal] = {}
    for price, quantity in levels:
        steps = Decimal(repr(price)) / rounding
        level = steps.to_integral_value(ROUND_FLOOR if bids else ROUND_CEILING) * rounding
        sums[level] = sums.get(level, Decimal()) + Decimal(repr(quantity))
    best = sorted(sums, reverse=bids)[:limit]
    places = max(1, -int(rounding.as_tuple().exponent))
    return [
        {
            "price": price,
            "priceFormatted": fixed(price, places),
            "amount": sums[price],
            "amountFormatted": fixed(sums[price], 3),
            "cumulative": total,
            "cumulativeFormatted": fixed(total, 3),
        }
        for price, total in zip(best, accumulate(sums[one] for one in best), strict=True)
    ]


def read(rendering: BookRendering, head: BookHead = HEAD) -> dict[str, Any]:
    """A message with its numbers as decimals, their digits as they were sent."""
    message = message_of(rendering.body(head), head.timestamp_ms)
    msgspec.json.decode(message, type=OrderbookUpdateView)
    found: dict[str, Any] = json.loads(message, parse_float=Decimal)
    return found


quantities = st.integers(1, 3_000_000).map(lambda units: units / 1_000)
changes = st.lists(st.tuples(st.integers(1, 90), quantities | st.just(0.0)), max_size=20)


@given(
    deltas=st.lists(st.tuples(changes, changes), min_size=1, max_size=4),
    rounding=st.sampled_from([Decimal(one) for one in ("0.1", "0.25", "0.5", "1", "3")]),
    limit=st.integers(5, 12),
    asks=st.sampled_from(["best_first", "highest_first"]),
)
def test_after_any_changes_a_message_is_what_decimals_give(
    deltas: list[tuple[list[tuple[int, float]], list[tuple[int, float]]]],
    rounding: Decimal,
    limit: int,
    asks: AsksOrder,
) -> None:
    """Rendered after each change, so that what is kept of the last time is put to the test."""
    book = LadderBook(FORMAT, TICK)
    rendering = BookRendering(book.ladder(rounding), limit, asks)
    bids: dict[float, float] = {}
    offers: dict[float, float] = {}
    for bid_part, ask_part in deltas:
        bid_levels = [((10_000 - ticks) / 10, quantity) for ticks, quantity in bid_part]
        ask_levels = [((10_000 + ticks) / 10, quantity) for ticks, quantity in ask_part]
        for side, levels in ((bids, bid_levels), (offers, ask_levels)):
            for price, quantity in levels:
                side[price] = quantity
                if not quantity:
                    del side[price]
        book.apply(bid_levels, ask_levels)
        found = read(rendering)
        expected = naive(list(offers.items()), rounding, limit, bids=False)
        assert found["bids"] == naive(list(bids.items()), rounding, limit, bids=True)
        assert found["asks"] == (expected if asks == "best_first" else expected[::-1])


def small_book() -> LadderBook:
    book = LadderBook(FORMAT, TICK)
    book.replace(
        [(97_123.4, 1.5), (97_122.9, 0.25)], [(97_123.5, 0.1), (97_123.6, 0.2), (97_126.0, 1_200.0)]
    )
    return book


def test_a_message_by_hand() -> None:
    """Rounding 0.5: bids to 97,123.0 (1.5) and 97,122.5 (0.25); asks up, likewise."""
    rendering = BookRendering(small_book().ladder(Decimal("0.5")), 5, "highest_first")
    message = message_of(rendering.body(HEAD), HEAD.timestamp_ms).decode()
    assert message == (
        '{"type":"orderbook_update","exchange":"binance","symbol":"BTCUSDT","state":"live",'
        '"rounding":0.5,"roundingFormatted":"0.5","roundingOptions":[0.1,1,10],'
        '"roundingOptionsFormatted":["0.1","1","10"],"aggregated":true,"bids":['
        '{"price":97123.0,"priceFormatted":"97,123.0","amount":1.500,"amountFormatted":"1.500",'
        '"cumulative":1.500,"cumulativeFormatted":"1.500"},'
        '{"price":97122.5,"priceFormatted":"97,122.5","amount":0.250,"amountFormatted":"0.250",'
        '"cumulative":1.750,"cumulativeFormatted":"1.750"}],"asks":['
        '{"price":97126.0,"priceFormatted":"97,126.0","amount":1200.000,'
        '"amountFormatted":"1,200.000","cumulative":1200.300,"cumulativeFormatted":"1,200.300"},'
        '{"price":97124.0,"priceFormatted":"97,124.0","amount":0.200,"amountFormatted":"0.200",'
        '"cumulative":0.300,"cumulativeFormatted":"0.300"},'
        '{"price":97123.5,"priceFormatted":"97,123.5","amount":0.100,"amountFormatted":"0.100",'
        '"cumulative":0.100,"cumulativeFormatted":"0.100"}],'
        '"marketDepthInfo":{"actualLevels":2,"requestedLevels":5,"isMarketDepthLimited":true,'
        '"hasInsufficientRawData":true,"rawBids":2,"rawAsks":3,"minRequiredRawData":50},'
        '"timestamp":1731000000123,"time":1731000000}'
    )


def test_fields_and_their_order_are_those_of_the_view() -> None:
    rendering = BookRendering(small_book().ladder(Decimal("0.5")), 5, "best_first")
    message = message_of(rendering.body(HEAD), HEAD.timestamp_ms)
    view = msgspec.json.decode(message, type=OrderbookUpdateView)
    assert set(json.loads(msgspec.json.encode(view))) == set(json.loads(message))
    assert json.loads(msgspec.json.encode(view)) == json.loads(message)


def test_nothing_is_shown_of_a_book_that_resynchronises() -> None:
    rendering = BookRendering(small_book().ladder(Decimal("0.5")), 5, "best_first")
    found = read(rendering, msgspec.structs.replace(HEAD, state="resyncing"))
    assert (found["bids"], found["asks"], found["state"]) == ([], [], "resyncing")
    assert found["marketDepthInfo"]["actualLevels"] == 0
    assert len(read(rendering)["bids"]) == 2


@pytest.mark.parametrize(("raw", "few"), [(50, False), (49, True)])
def test_raw_data_are_insufficient_below_ten_times_the_limit(raw: int, few: bool) -> None:
    rendering = BookRendering(small_book().ladder(Decimal("0.5")), 5, "best_first")
    found = read(rendering, msgspec.structs.replace(HEAD, raw_bids=raw, raw_asks=1_000))
    assert found["marketDepthInfo"]["hasInsufficientRawData"] is few


def test_a_message_has_room_for_so_many_levels_and_says_that_there_are_fewer() -> None:
    rendering = BookRendering(small_book().ladder(TICK), 5, "best_first", 1)
    found = read(rendering)
    assert [len(found["bids"]), len(found["asks"])] == [1, 1]
    assert found["marketDepthInfo"]["isMarketDepthLimited"]


def test_a_level_fits_its_room_whatever_the_numbers() -> None:
    """Ten digits before the point and twelve behind it are more than any market has."""
    units = SymbolFormat(price_places=6, amount_places=6)
    book = LadderBook(units, Decimal("0.000001"))
    most = float(10**9 - 1)
    book.replace([(most - n, most) for n in range(1_000)], [])
    rendering = BookRendering(book.ladder(Decimal("0.000001")), 1_000, "best_first")
    assert len(rendering.body(HEAD)) < 1_000 * LEVEL_BYTES


def test_remembered_prices_are_bounded() -> None:
    """Forty thousand prices pass by; what is shown stays right."""
    book = LadderBook(FORMAT, TICK)
    rendering = BookRendering(book.ladder(TICK), 1_000, "best_first")
    for first in range(0, 2 * LABELS_MAX, 1_000):
        book.replace([((first + n + 1) / 10, 1.0) for n in range(1_000)], [])
        assert read(rendering)["bids"][0]["price"] == Decimal(first + 1_000) / 10
    assert len(rendering.labels_kept) == 2
    assert max(rendering.labels_kept) <= LABELS_MAX + 1_000
