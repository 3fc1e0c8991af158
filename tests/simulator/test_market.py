"""One symbol's market: its parts agree after a while."""

from headwater.core.records import Record
from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.market import Market, MarketSeed
from headwater.simulator.more_listings import LISTING_BY_SYMBOL
from headwater.simulator.record_maker import RecordMaker

START_MS = 1_760_000_000_000
SUI = LISTING_BY_SYMBOL["SUIUSDT"]


def _market(seed: int = 1) -> Market:
    origin = MarketSeed(seed, "binance", START_MS, None, 1.0)
    return Market(SUI, RecordMaker("binance", "SUIUSDT", SUI), origin)


def test_parts_agree_after_a_run_through_a_fall() -> None:
    """A falling market liquidates longs; totals, prints, marks and the book stay consistent."""
    market, records, closes = _market(), [], []
    out: list[Record] = []
    for step in range(1, 1_201):
        closes += market.step(START_MS + step * STEP_MS, -0.00002, out)
        records += out
        out.clear()
    assert market.totals.liquidations == len(closes) > 3
    assert {close.liquidation.position_side.value for close in closes} == {"long"}
    assert all(close.mark <= close.entry for close in closes)
    assert market.totals.prints == sum(record.kind == "trade" for record in records)
    assert market.totals.deltas == sum(record.kind == "book_delta" for record in records)
    bid, ask = market.engine.bids.best, market.engine.asks.best
    assert bid is not None
    assert ask is not None
    assert bid < ask
    assert abs(market.pricer.mark / bid - 1) < 0.005
    assert market.last_trade().trade.price == market.grid.price(market.last_ticks)


def test_prints_by_window() -> None:
    """Newest, from a number on, beyond both ends."""
    market = _market()
    newest = market.newest_prints(5)
    last = newest[-1].trade.sequence or 0
    assert market.fill_prints(last - 4, 99) == newest
    assert market.fill_prints(last + 1, 5) == market.newest_prints(0) == []
    assert market.fill_prints(0, 1)[0].trade.sequence == last + 1 - len(market.newest_prints(10**6))
    assert market.print_of_fill(newest[-1].last_fill_id + 1) is None


def test_hunts_bring_forced_closes() -> None:
    """A run goes to the nearest liquidation price and a little beyond; a few of them find some."""
    market = _market(2)
    out: list[Record] = []
    found = 0
    for hunt in range(5):
        assert 0 <= market.temptation() < 1
        market.hunt()
        for step in range(hunt * 120 + 1, hunt * 120 + 121):
            found += len(market.step(START_MS + step * STEP_MS, 0.0, out))
    assert found > 0
