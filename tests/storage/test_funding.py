"""Stored funding: of each settlement what was said last."""

import itertools

from tests.storage.samples import T0, fetch, funding, store_together

from headwater.storage.base import Database, Span
from headwater.storage.funding import between, payment_columns, settled_columns
from headwater.storage.sessions import ReadSession

EIGHT_HOURS = 8 * 3_600_000


def test_the_settled_rate_stays_whatever_the_order(database: Database) -> None:
    said = [(-7_200_000, 0.1), (-60_000, 0.2), (0, 0.3)]
    for number, order in enumerate(itertools.permutations(said)):
        at_ms = T0 + number * EIGHT_HOURS
        store_together(
            database,
            [
                funding(at_ms + early_ms, funding_time_ms=at_ms, rate=rate)
                for early_ms, rate in order
            ],
        )
    found = fetch(database, between("binance", "BTCUSDT", Span()))
    assert [one.rate for one in found] == [0.3] * 6
    assert [one.funding_time_ms for one in found] == [T0 + n * EIGHT_HOURS for n in range(6)]


def test_ranges_go_by_the_time_of_settlement(database: Database) -> None:
    made = [funding(T0 + number * EIGHT_HOURS, interval_h=None) for number in range(4)]
    store_together(database, made)
    span = Span(start_ms=T0 + EIGHT_HOURS, end_ms=T0 + 3 * EIGHT_HOURS, newest_first=True)
    assert fetch(database, between("binance", "BTCUSDT", span)) == made[2:0:-1]


def test_payments_are_at_their_settlement_whenever_they_were_told(database: Database) -> None:
    late = funding(T0 + 90_000, funding_time_ms=T0, rate=0.1)
    estimate = funding(T0 + 1, funding_time_ms=T0 + EIGHT_HOURS, rate=0.2)
    settled = funding(T0 + 2 * EIGHT_HOURS, rate=0.3)
    store_together(database, [settled, estimate, late, funding(T0, symbol="ETHUSDT")])
    series = ("binance", "BTCUSDT", T0, T0 + 9 * EIGHT_HOURS)
    with ReadSession(database) as session:
        paid = session.columns(payment_columns(*series, 10))
        assert paid.tolist() == [[T0, 0.1], [T0 + 2 * EIGHT_HOURS, 0.3]]
        assert session.columns(settled_columns(*series, 10))[0].tolist() == [T0 + 90_000, 0.1]
        assert len(session.columns(payment_columns(*series, 1))) == 1
