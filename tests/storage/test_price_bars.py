"""Minutes of a price: closed ones of one series, as four numbers."""

from tests.storage.samples import T0, candle, fetch, mark_candle, store_together

from headwater.core.intervals import Interval
from headwater.storage.base import Database, Span
from headwater.storage.price_bars import BAR_MS, PriceBar, of_marks, of_trades

BEGUN_MS = T0 // BAR_MS * BAR_MS


def test_closed_minutes_of_the_series_alone(database: Database) -> None:
    store_together(
        database,
        [
            candle(BEGUN_MS + BAR_MS, low=0.25),
            candle(BEGUN_MS),
            candle(BEGUN_MS + 2 * BAR_MS, is_closed=False),
            candle(BEGUN_MS, interval=Interval.H1, high=9.0),
            candle(BEGUN_MS, symbol="BTCUSDT"),
            candle(BEGUN_MS, exchange="bybit"),
            candle(BEGUN_MS + 3 * BAR_MS),
        ],
    )
    span = Span(start_ms=BEGUN_MS, end_ms=BEGUN_MS + 3 * BAR_MS)
    found = fetch(database, of_trades("okx", "ETHUSDT", span))
    assert found == [
        PriceBar(opened_at_ms=BEGUN_MS, low=0.5, high=4.0, received_ns=1),
        PriceBar(opened_at_ms=BEGUN_MS + BAR_MS, low=0.25, high=4.0, received_ns=1),
    ]
    assert found[0].ended_ms == BEGUN_MS + BAR_MS


def test_the_same_of_the_mark_price(database: Database) -> None:
    store_together(
        database,
        [
            mark_candle(BEGUN_MS, low=0.5, high=4.0, received_ns=7),
            mark_candle(BEGUN_MS + BAR_MS, is_closed=False),
            mark_candle(BEGUN_MS + 2 * BAR_MS, interval=Interval.H1),
        ],
    )
    one = mark_candle()
    found = fetch(database, of_marks(one.exchange, one.symbol, Span()))
    assert found == [PriceBar(opened_at_ms=BEGUN_MS, low=0.5, high=4.0, received_ns=7)]
