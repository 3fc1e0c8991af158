"""What tests may ask of the simulation."""

from headwater.core.enums import PositionSide
from headwater.simulator.exchange import SimulatedExchange

START_MS = 1_760_000_000_000


def test_ranges_totals_and_copies() -> None:
    """A range of prints is exact; totals are a copy; the whole book is the whole book."""
    exchange = SimulatedExchange(seed=1, start_ms=START_MS, symbols=["LTCUSDT"])
    truth = exchange.truth
    prints = exchange.prints("LTCUSDT", limit=10)
    numbers = [made.trade.sequence or 0 for made in prints]
    assert truth.prints("LTCUSDT", numbers[2], numbers[5]) == prints[2:6]
    assert truth.prints("LTCUSDT", numbers[5], numbers[2]) == []
    assert truth.prints("LTCUSDT", numbers[-1] + 1, numbers[-1] + 9) == []
    assert truth.print_of_fill("LTCUSDT", prints[3].first_fill_id) == prints[3]
    before = truth.totals("LTCUSDT")
    exchange.advance_to(START_MS + 30_000)
    assert (before.prints, before.deltas) == (0, 0)
    assert truth.totals("LTCUSDT").deltas > 100
    assert truth.book("LTCUSDT") == exchange.book("LTCUSDT", 10**6)
    assert truth.forced_closes("LTCUSDT") == truth.forced_closes()


def test_open_positions_are_the_map_of_what_is_closed_by_force_next() -> None:
    """A forced close is of a position that was on the map, at the mark that reached its price.

    Positions are opened and closed meanwhile, so not every close was on the map before; those that
    were have their number, side, entry and leverage there.
    """
    exchange = SimulatedExchange(seed=1, start_ms=START_MS, symbols=["LTCUSDT"])
    truth = exchange.truth
    before = {one.position_id: one for one in truth.positions("LTCUSDT")}
    assert list(before) == sorted(before)
    assert len(before) == 500
    mark = exchange.mark_price("LTCUSDT").mark
    assert all(
        (one.liquidation_price < mark) is (one.position_side is PositionSide.LONG)
        for one in before.values()
    )
    exchange.advance_to(START_MS + 60_000)
    known = [one for one in truth.forced_closes("LTCUSDT") if one.position_id in before]
    assert len(known) >= 10
    after = {one.position_id for one in truth.positions("LTCUSDT")}
    for close in known:
        was = before[close.position_id]
        assert close.position_id not in after
        assert (close.leverage, close.entry) == (was.leverage, was.entry)
        assert close.liquidation.position_side is was.position_side
        assert was.liquidation_value == was.liquidation_price * was.quantity
        if was.position_side is PositionSide.LONG:
            assert close.mark <= was.liquidation_price
        else:
            assert close.mark >= was.liquidation_price
