"""The stored ledger: a hole as it stands; a settled one never opens again."""

from tests.storage.samples import T0, fetch, gap, store_together

from headwater.core.enums import Channel, GapState
from headwater.core.records import ALL_SYMBOLS
from headwater.storage.base import Database, Span
from headwater.storage.gaps import between, last_number, touching

OPEN = gap()
NOTED = gap(received_ns=6, detail="still looking")
SETTLED = gap(received_ns=9, state=GapState.REPAIRED, until_ms=T0 + 5, recovered=3)


def test_a_hole_is_followed_until_it_is_settled(database: Database) -> None:
    for record, left in ((OPEN, OPEN), (NOTED, NOTED), (OPEN, NOTED), (SETTLED, SETTLED)):
        store_together(database, [record])
        assert fetch(database, between(Span())) == [left]
    store_together(database, [OPEN, NOTED, gap(received_ns=99)])
    assert fetch(database, between(Span())) == [SETTLED]


def test_in_one_batch_too(database: Database) -> None:
    store_together(database, [OPEN, NOTED, SETTLED, OPEN])
    assert fetch(database, between(Span())) == [SETTLED]


def test_the_same_number_after_a_restart_is_another_hole(database: Database) -> None:
    store_together(database, [SETTLED, gap(T0 + 1)])
    assert fetch(database, between(Span(newest_first=True))) == [gap(T0 + 1), SETTLED]


def test_holes_are_chosen_by_any_of_their_traits(database: Database) -> None:
    other = gap(exchange="okx", symbol="ETHUSDT", channel=Channel.CANDLES)
    store_together(database, [SETTLED, other])
    for query in (
        between(Span(), exchange="okx"),
        between(Span(), symbol="ETHUSDT"),
        between(Span(), channel=Channel.CANDLES),
        between(Span(), state=GapState.OPEN),
    ):
        assert fetch(database, query) == [other]


def test_holes_that_touch_a_span(database: Database) -> None:
    """From 100 to 200 ms: neither what ended at 100 nor what began at 200, nor another stream."""
    inside = [
        gap(T0, gap_id=1, until_ms=T0 + 101),
        gap(T0 + 150, gap_id=2),
        gap(T0 + 199, gap_id=3, symbol=ALL_SYMBOLS, until_ms=T0 + 900),
    ]
    outside = [
        gap(T0, gap_id=4, until_ms=T0 + 100),
        gap(T0 + 200, gap_id=5),
        gap(T0 + 150, gap_id=6, symbol="ETHUSDT"),
        gap(T0 + 150, gap_id=7, channel=Channel.CANDLES),
        gap(T0 + 150, gap_id=8, exchange="okx"),
    ]
    store_together(database, [*inside, *outside])
    one = inside[0]
    for limit, found in ((9, inside[::-1]), (1, inside[2:])):
        query = touching(one.exchange, one.symbol, one.channel, T0 + 100, T0 + 200, limit)
        assert fetch(database, query) == found


def test_numbers_go_on_from_the_highest_of_the_venue(database: Database) -> None:
    assert fetch(database, last_number("hyperliquid")) == [0]
    store_together(database, [gap(gap_id=7), gap(gap_id=3), gap(gap_id=90, exchange="okx")])
    assert fetch(database, last_number("hyperliquid")) == [7]
