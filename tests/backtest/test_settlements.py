"""Settlements told apart in mark prices."""

from tests.backtest.test_paper_run import mark

from headwater.backtest.settlements import Settlement, Settlements


def test_a_settlement_has_passed_when_the_next_one_is_told() -> None:
    heard = Settlements()
    assert heard.hear(mark(1, 100.0, 0.01, 10)) is None
    assert heard.hear(mark(9, 101.0, 0.02, 10)) is None
    settled = Settlement(at_ms=10, rate=0.02, mark_price=101.0)
    assert heard.hear(mark(11, 102.0, 0.03, 20)) == settled
    assert heard.hear(mark(12, 102.0, 0.03, 20)) is None


def test_a_next_time_that_moves_before_it_is_due_settles_nothing() -> None:
    heard = Settlements()
    heard.hear(mark(1, 100.0, 0.01, 10))
    assert heard.hear(mark(2, 100.0, 0.01, 20)) is None
