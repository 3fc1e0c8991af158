"""The drive for callbacks: what it shows, what it accepts, what it refuses."""

import gc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.drives import bars_of, walk

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.outcome import ExitReason, Pending
from headwater.backtest.per_bar import _ruin_bound, run_per_bar
from headwater.backtest.strategy_failure import failure_text
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.growing_bars import GrowingBars
from headwater.strategies.openings import Opening

RULES = Assumptions(initial_capital=1000.0).checked()


class Told(BaseStrategy):
    """Opens and closes at the bars it is told; notes what it was shown."""

    name = "told"

    def __init__(self, opens: dict[int, Any], closes: set[int]) -> None:
        super().__init__()
        self.opens = opens
        self.closes = closes
        self.seen: list[tuple[int, float]] = []

    def should_open_position(self, data: Any) -> Decision:
        bar = len(data) - 1
        self.seen.append((bar, data.close[-1]))
        return (True, self.opens[bar]) if bar in self.opens else (False, None)

    def should_close_position(self, position: Any, data: Any) -> Decision:
        return len(data) - 1 in self.closes, "told to"


def test_a_callback_is_shown_the_past_and_nothing_else() -> None:
    bars = walk(3, 50)
    lengths: list[tuple[int, int, int, int]] = []

    class Looking(BaseStrategy):
        name = "looking"

        def prepare(self, data: GrowingBars) -> None:
            self.mean = data.sma(3)
            assert len(data) == len(self.mean) == 0

        def should_open_position(self, data: Any) -> Decision:
            number = len(data)
            lengths.append((len(data.close), len(self.mean), len(data.sma(3)), len(data["close"])))
            assert data.close == bars.close[:number].tolist()
            assert data.timestamp_ms[-1] == bars.timestamp_ms[number - 1]
            assert data[-1] == bars[number - 1]
            assert np.array_equal(data.past().high, bars.high[:number])
            with pytest.raises(IndexError):
                data[number]
            if number > 20:
                assert data.low[-1] == bars.low[number - 1]
            return False, None

    run_per_bar(Looking(), bars, RULES)
    assert lengths == [(n, n, n, n) for n in range(1, 51)]


def test_an_attribute_that_no_view_has_is_told_with_the_way_to_further_columns() -> None:
    class Lost(BaseStrategy):
        name = "lost"

        def should_open_position(self, data: Any) -> Decision:
            return data.heat[-1] > 0, None

    with pytest.raises(AttributeError, match="heat") as caught:
        run_per_bar(Lost(), walk(1, 10), RULES)
    assert "at bar 0" in caught.value.__notes__[0]
    assert caught.value.__notes__[1:] == ["further columns by data['heat']"]
    assert "further columns by data['heat']" in failure_text(caught.value, Lost)


@pytest.mark.parametrize("fill", FillRule)
def test_a_column_asked_for_at_any_bar_changes_no_trade(fill: FillRule) -> None:
    """The phases end where a column is first looked at, held or flat; nobody sees it."""
    bars = walk(5, 400)
    rules = Assumptions(initial_capital=1000.0, fill=fill).checked()

    class Curious(Told):
        def should_open_position(self, data: Any) -> Decision:
            self.look(data)
            return super().should_open_position(data)

        def should_close_position(self, position: Any, data: Any) -> Decision:
            self.look(data)
            return super().should_close_position(position, data)

        def look(self, data: Any) -> None:
            number = len(data)
            window = 2 + number % 90
            assert len(data.sma(window)) == len(data.close) == number
            assert data.high[-1] == bars.high[number - 1]

    opens, closes = dict.fromkeys(range(3, 400, 13)), set(range(9, 400, 17))
    plain = run_per_bar(Told(opens, closes), bars, rules)
    curious = run_per_bar(Curious(opens, closes), bars, rules)
    assert plain.trades.entry_bar.tolist() == curious.trades.entry_bar.tolist()
    assert plain.equity.tolist() == curious.equity.tolist()
    assert len(plain.trades) > 10


@given(
    st.one_of(st.floats(-1e9, 1e9), st.floats(-1e-280, 1e-280)),
    st.one_of(st.floats(1e-9, 1e9), st.floats(1e-300, 1e-200)),
    st.booleans(),
    st.floats(-4.0, 4.0),
    st.floats(1e-12, 1e12),
)
def test_no_close_ruins_that_the_bound_of_ruin_passes_by(
    cash: float, quantity: float, is_long: bool, steps: float, anywhere: float
) -> None:
    held = quantity if is_long else -quantity
    bound = _ruin_bound(cash, held)
    # Closes about the price at which nothing is left, by some of the last digits, and anywhere.
    even = -cash / held
    for close in (even, even * (1.0 + steps * 2.0**-52), bound, anywhere):
        if 1e-12 <= close <= 1e12 and cash + held * close <= 0.0:
            assert close <= bound if is_long else close >= bound


def test_position_data_set_side_stop_target_and_size() -> None:
    bars = bars_of([100] * 6, [101, 101, 101, 101, 106, 101], [99] * 6, [100] * 6)
    wish = {"direction": "sell", "stop_loss": 0.05, "take_profit": 0.2, "size": 0.5}
    outcome = run_per_bar(Told({1: wish}, set()), bars, RULES)
    (trade,) = outcome.trades.records()
    assert (trade.side, trade.quantity) == ("short", 5.0)
    assert (trade.exit_bar, trade.exit_price) == (4, 105.0)
    assert trade.exit_reason is ExitReason.STOP_LOSS


def test_a_side_may_be_what_numpy_says_of_two_numbers() -> None:
    class Compared(BaseStrategy):
        name = "compared"

        def should_open_position(self, data: Any) -> tuple[bool, Any]:
            return True, Opening(is_long=np.mean(data.close) > np.float64(1_000.0))

        def should_close_position(self, position: Any, data: Any) -> tuple[bool, Any]:
            return False, None

    outcome = run_per_bar(Compared(), walk(1, 5), Assumptions().checked())
    assert [one.side for one in outcome.trades.records()] == ["short"]


def test_it_is_asked_to_open_only_while_flat() -> None:
    bars = bars_of([100] * 6, [101] * 6, [99] * 6, [100] * 6)
    strategy = Told({1: None, 2: None}, {3})
    outcome = run_per_bar(strategy, bars, RULES)
    (trade,) = outcome.trades.records()
    # Decided at 1, held from the open of 2 to the open of 4, asked again at the close of 4.
    assert (trade.entry_bar, trade.exit_bar) == (2, 4)
    assert [bar for bar, _ in strategy.seen] == [0, 1, 4, 5]


def test_a_decision_at_the_last_close_is_pending() -> None:
    bars = bars_of([100] * 3, [101] * 3, [99] * 3, [100] * 3)
    assert run_per_bar(Told({2: "short"}, set()), bars, RULES).pending == (
        Pending(bar=2, action="enter_short"),
    )
    assert run_per_bar(Told({0: None}, {2}), bars, RULES).pending == (
        Pending(bar=2, action="exit"),
    )


def test_the_same_close_leaves_nothing_pending() -> None:
    bars = bars_of([100] * 3, [101] * 3, [99] * 3, [100] * 3)
    rules = Assumptions(initial_capital=1000.0, fill=FillRule.CLOSE).checked()
    outcome = run_per_bar(Told({2: None}, set()), bars, rules)
    assert outcome.pending == ()
    assert outcome.trades.entry_bar.tolist() == [2]


@pytest.mark.parametrize(
    "answer", [None, True, (True,), (float("nan"), None), (1.0, None), (None, None), "no", 7]
)
def test_an_answer_of_another_shape_names_strategy_bar_and_value(answer: Any) -> None:
    class Odd(BaseStrategy):
        name = "odd"

        def should_open_position(self, data: Any) -> Any:
            return answer if len(data) == 3 else (False, None)

    with pytest.raises(RequestError, match=r"odd\.should_open_position, bar 2 at 2023-11-15T00"):
        run_per_bar(Odd(), walk(1, 10), RULES)


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"side": "up"}, "side"),
        ({"stop_loss": -0.1}, "stop_loss"),
        ({"stop_loss": 1.0}, "stop_loss"),
        ({"side": "short", "take_profit": 1.5}, "take_profit"),
        ({"size": 0}, "size"),
        ({"size": float("nan")}, "size"),
        ({"colour": "red"}, "colour"),
        (7, "odd wish"),
    ],
)
def test_a_wish_that_nobody_can_fill_is_named(wish: Any, named: str) -> None:
    with pytest.raises(RequestError, match="told, bar 1" if wish == 7 else named):
        run_per_bar(Told({1: wish}, set()), walk(1, 10), RULES)


def test_columns_that_a_strategy_changed_fail_the_run() -> None:
    class Meddling(BaseStrategy):
        name = "meddling"

        def should_open_position(self, data: Any) -> Decision:
            if len(data) == 5:
                data.close[0] = 1.0
            return data.close[-1] < 0, None

    with pytest.raises(RequestError, match="not to change them"):
        run_per_bar(Meddling(), walk(1, 10), RULES)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    run_per_bar(
        Told({}, set()), walk(1, 9_000), RULES, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(0, 9000), (4096, 9000), (8192, 9000), (9000, 9000)]


def test_columns_of_a_long_run_are_no_longer_young_at_its_end() -> None:
    class Keeping(BaseStrategy):
        name = "keeping"

        def prepare(self, data: GrowingBars) -> None:
            self.mean = data.sma(3)

        def should_open_position(self, data: Any) -> Decision:
            return False, None

    def is_young(bars: int) -> bool:
        strategy = Keeping()
        run_per_bar(strategy, walk(3, bars), RULES)
        young = [*gc.get_objects(generation=0), *gc.get_objects(generation=1)]
        return any(one is strategy.mean for one in young)

    was_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.disable()  # no look of the collector's own between the run and ours
    try:
        assert is_young(100)
        assert not is_young(12_000)
        gc.freeze()  # as a server does before it forks: not to be undone
        assert is_young(12_000)
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        if not was_frozen:
            gc.unfreeze()
