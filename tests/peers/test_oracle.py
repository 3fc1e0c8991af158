"""The oracle by hand: small series, every figure worked out in the comment beside it."""

from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks.peers.case import Bars, Case, Trade
from tests.peers import oracle
from tests.peers.cases import CASES, named
from tests.peers.series import SERIES

# Means of 1 and 2 closes: the mean of one is above that of two exactly when the close rose. So a
# cross upwards is a rise after a fall or a standstill, and the first can be in bar 2.
CROSS = Case(bars="", fast=1, slow=2, fee_bps=0.0, capital=1_000.0)


def _bars(
    close: Sequence[float],
    opened: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    low: Sequence[float] | None = None,
) -> Bars:
    closes = np.asarray(close, dtype=np.float64)
    opens = np.append(closes[0], closes[:-1]) if opened is None else np.asarray(opened, np.float64)
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    return Bars(
        timestamp_ms=np.arange(len(closes), dtype=np.int64) * 60_000,
        open=opens,
        high=top if high is None else np.asarray(high, np.float64),
        low=bottom if low is None else np.asarray(low, np.float64),
        close=closes,
        volume=np.ones(len(closes)),
    )


def _rounded(found: oracle.Found) -> list[Trade]:
    return [each._replace(pnl=round(each.pnl, 9)) for each in found.trades]


def _case(**changes: object) -> Case:
    return Case.of({**{name: getattr(CROSS, name) for name in Case.__slots__}, **changes})


def test_a_trade_at_the_next_open_pays_both_fees() -> None:
    # Up in bar 2 (9 -> 11), down in bar 4 (12 -> 8). Fee 1 %: 1010 / (10 × 1.01) = 100 units at
    # the open of 10 in bar 3; 100 × 9 = 900 less 9 of fee in bar 5.
    bars = _bars([10, 9, 11, 12, 8, 8], opened=[10, 10, 9, 10, 12, 9])
    found = oracle.run(_case(fee_bps=100.0, capital=1_010.0), bars)
    assert _rounded(found) == [Trade("long", 3, 5, 10.0, 9.0, -119.0)]
    assert found.equity == pytest.approx([1_010, 1_010, 1_010, 1_200, 800, 891])
    assert found.max_drawdown == pytest.approx(-1 / 3)
    assert not found.pending
    assert not found.insolvent


def test_a_cross_with_both_directions_turns_the_position() -> None:
    # 1100 / 11 = 100 units at the close of bar 2; out at 8 in bar 4: 800, short 100 at 8; at 6
    # that is worth 800 + 100 × 2.
    bars = _bars([10, 9, 11, 12, 8, 8, 6])
    found = oracle.run(_case(direction="both", fill="close", capital=1_100.0), bars)
    assert _rounded(found) == [
        Trade("long", 2, 4, 11.0, 8.0, -300.0),
        Trade("short", 4, None, 8.0, None, 200.0),
    ]
    assert found.equity == pytest.approx([1_100, 1_100, 1_100, 1_200, 800, 800, 1_000])


def test_a_short_pays_its_fee_from_the_equity() -> None:
    # Down in bar 2 (11 -> 9): short 1010 / (10 × 1.01) = 100 at the open of 10, fee 10; at the
    # close of 8: 1010 + 100 × 2 − 10 = 1200.
    bars = _bars([10, 11, 9, 8], opened=[10, 10, 11, 10])
    found = oracle.run(_case(direction="both", fee_bps=100.0, capital=1_010.0), bars)
    assert _rounded(found) == [Trade("short", 3, None, 10.0, None, 190.0)]
    assert found.final_equity == pytest.approx(1_200.0)


def test_a_decision_on_the_last_bar_is_pending_and_at_the_close_filled() -> None:
    bars = _bars([10, 9, 11])
    waiting = oracle.run(CROSS, bars)
    assert waiting.pending
    assert waiting.trades == []
    filled = oracle.run(_case(fill="close"), bars)
    assert not filled.pending
    assert _rounded(filled) == [Trade("long", 2, None, 11.0, None, 0.0)]


@pytest.mark.parametrize(
    ("low", "high", "opened", "exit_bar", "exit_price"),
    [
        (8.9, 12.0, 10.0, 3, 9.0),  # the entry's own bar reaches the stop, and the target: stop
        (9.5, 11.5, 10.0, 3, 11.0),  # only the target
        (9.5, 10.5, 8.0, 4, 8.0),  # the next bar opens below the stop: at its open
        (9.5, 10.5, 11.5, 4, 11.5),  # it opens above the target: at its open
    ],
)
def test_stop_before_target_and_gaps_at_the_open(
    low: float, high: float, opened: float, exit_bar: int, exit_price: float
) -> None:
    # Entry at the open of 10 in bar 3, stop 9, target 11.
    bars = _bars(
        [10, 9, 11, 10, opened, opened],
        opened=[10, 10, 9, 10, opened, opened],
        high=[10, 10, 11, high, opened, opened],
        low=[10, 9, 9, low, opened, opened],
    )
    found = oracle.run(_case(stop_loss=0.1, take_profit=0.1), bars)
    first = found.trades[0]
    assert (first.entry_bar, first.exit_bar) == (3, exit_bar)
    assert first.exit_price == pytest.approx(exit_price)


def test_a_decision_fills_before_the_stop_is_looked_at() -> None:
    # Down in bar 4 (10 -> 9.5): out at the open of bar 5, although that lies below the stop of 9;
    # with both directions it turns there.
    bars = _bars(
        [10, 9, 11, 12, 9.5, 8],
        opened=[10, 10, 9, 10, 12, 8.5],
        high=[10, 10, 11, 12, 12, 8.5],
        low=[10, 9, 9, 10, 9.5, 8],
    )
    found = oracle.run(_case(direction="both", stop_loss=0.1), bars)
    assert [(each.side, each.exit_bar, each.exit_price) for each in found.trades] == [
        ("long", 5, 8.5),
        ("short", None, None),
    ]


def test_reversion_does_one_thing_a_bar_and_nothing_without_deviation() -> None:
    # Four closes, n − 1: 10 10 10 6 has mean 9, deviation 2, z −1.5: in. 10 10 6 10: z 0.5 > −0.5:
    # out, and although z passes the entry of 0.4 upwards there is no short in that bar; the next,
    # 10 6 10 10, has z 0.5 again: short.
    case = _case(
        strategy="mean_reversion",
        lookback_period=4,
        entry_threshold=0.4,
        exit_threshold=0.3,
        direction="both",
        fill="close",
    )
    found = oracle.run(case, _bars([10, 10, 10, 10, 6, 10, 10]))
    assert [(each.side, each.entry_bar, each.exit_bar) for each in found.trades] == [
        ("long", 4, 5),
        ("short", 6, None),
    ]


def test_a_price_that_doubles_ruins_a_short() -> None:
    # Short 100 at 10 with 1000; at 20 nothing is left. Bars after that are not reached.
    bars = _bars([10, 11, 9, 8, 20, 5], opened=[10, 10, 11, 10, 10, 20])
    found = oracle.run(_case(direction="both", fast=1, slow=2), bars)
    assert found.insolvent
    assert len(found.equity) == 5
    assert found.final_equity == pytest.approx(0.0)
    assert found.trades[-1].exit_bar is None


def test_the_cases_are_many_and_each_is_another() -> None:
    assert len({named(series, case) for series, case in CASES}) == len(CASES) >= 100


@pytest.mark.parametrize("name", sorted(SERIES))
def test_the_series_are_bars(name: str) -> None:
    bars = SERIES[name]()
    assert (np.diff(bars.timestamp_ms) == bars.interval_ms).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low > 0).all()
    again = SERIES[name]()
    assert (bars.close == again.close).all()
