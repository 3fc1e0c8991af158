import pytest

from headwater.analytics.trade_figures import trade_figures
from headwater.core.errors import RequestError


def test_worked_by_hand() -> None:
    found = trade_figures([10.0, -4.0, 0.0, 2.0, -2.0])
    assert (found.total, found.profit, found.win_rate) == (5, 6.0, 0.4)
    assert (found.profit_factor, found.average_win, found.average_loss) == (2.0, 6.0, -3.0)
    assert (found.expectancy, found.best, found.worst) == (1.2, 10.0, -4.0)


def test_what_is_not_defined_is_none() -> None:
    nothing = trade_figures([])
    assert (nothing.total, nothing.profit) == (0, 0.0)
    assert nothing.win_rate is nothing.profit_factor is nothing.expectancy is nothing.best is None
    winner = trade_figures([3.0])
    assert (winner.win_rate, winner.profit_factor, winner.average_loss) == (1.0, None, None)
    loser = trade_figures([-3.0])
    assert (loser.win_rate, loser.profit_factor, loser.average_win) == (0.0, 0.0, None)


@pytest.mark.parametrize("pnls", [[1.0, float("nan")], [float("nan"), 1.0], [[1.0]]])
def test_a_trade_has_a_number(pnls: list[float]) -> None:
    with pytest.raises(RequestError, match="trade_pnls"):
        trade_figures(pnls)


def test_a_loss_too_small_to_divide_by_gives_no_factor() -> None:
    assert trade_figures([1e9, -2.2e-309]).profit_factor is None
