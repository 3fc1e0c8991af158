"""The book against a naive one that shares no code with it."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import Side
from headwater.core.order_book import OrderBook
from headwater.core.records import Level

_LEVELS = st.lists(
    st.tuples(
        st.integers(1, 40).map(float),
        st.one_of(st.just(0.0), st.floats(0.001, 100, allow_nan=False)),
    ),
    max_size=12,
)


@given(_LEVELS, st.lists(st.tuples(_LEVELS, _LEVELS), max_size=20))
def test_any_changes_give_what_a_plain_dictionary_gives(
    start: list[Level], changes: list[tuple[list[Level], list[Level]]]
) -> None:
    book = OrderBook()
    book.replace(start, [])
    bids = {price: quantity for price, quantity in start if quantity}
    asks: dict[float, float] = {}
    for number, (bid_changes, ask_changes) in enumerate(changes):
        book.apply(bid_changes, ask_changes, number, number)
        for side, levels in ((bids, bid_changes), (asks, ask_changes)):
            for price, quantity in levels:
                side[price] = quantity
                if not quantity:
                    del side[price]
    assert book.bids() == tuple(sorted(bids.items(), reverse=True))
    assert book.asks() == tuple(sorted(asks.items()))
    assert book.best_bid == (max(bids.items()) if bids else None)
    assert book.best_ask == (min(asks.items()) if asks else None)
    assert book.depth == (len(bids), len(asks))
    assert book.bids(3) == book.bids()[:3]
    assert book.asks(3) == book.asks()[:3]
    assert book.asks(0) == book.bids(0) == ()


def _book() -> OrderBook:
    book = OrderBook()
    book.replace([(99.0, 1.0), (98.0, 2.0)], [(101.0, 1.0), (102.0, 3.0)], 7, 1000)
    return book


def test_best_spread_and_crossing() -> None:
    book = _book()
    assert (book.best_bid, book.best_ask, book.spread) == ((99.0, 1.0), (101.0, 1.0), 2.0)
    crossed = [book.is_crossed]
    book.apply([(101.0, 1.0)], [], 8, 1001)
    crossed.append(book.is_crossed)
    assert crossed == [False, True]
    assert (book.sequence, book.timestamp_ms) == (8, 1001)


def test_cost_to_fill_walks_the_levels() -> None:
    # 1 at 101 and 1 at 102: average 101.5.
    assert _book().cost_to_fill(Side.BUY, 2.0) == (101.5, 2.0, 102.0)
    # 1 at 99 and 2 at 98 are all there is: (99 + 196) / 3.
    average, filled, worst = _book().cost_to_fill(Side.SELL, 10.0)
    assert (round(average, 9), filled, worst) == (round(295 / 3, 9), 3.0, 98.0)
    assert OrderBook().cost_to_fill(Side.BUY, 1.0) == (0.0, 0.0, 0.0)


def test_quantity_up_to_a_limit_price_includes_it() -> None:
    assert _book().quantity_within(Side.BUY, 101.0) == 1.0
    assert _book().quantity_within(Side.BUY, 102.0) == 4.0
    assert _book().quantity_within(Side.BUY, 100.0) == 0.0
    assert _book().quantity_within(Side.SELL, 98.5) == 1.0
    assert _book().quantity_within(Side.SELL, 98.0) == 3.0


def test_a_cleared_book_shows_nothing() -> None:
    book = _book()
    book.clear()
    assert (book.best_bid, book.best_ask, book.depth, book.spread) == (None, None, (0, 0), inf)
    assert book.sequence is None
