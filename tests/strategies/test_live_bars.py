"""Live bars show what the view of a back-test shows, bar after bar."""

import pytest
from tests.backtest.drives import walk

from headwater.core.errors import RequestError
from headwater.strategies.growing_bars import GrowingBars
from headwater.strategies.live_bars import LiveBars


def test_kept_lists_grow_as_in_a_back_test() -> None:
    whole = walk(2, 80)
    replayed, live = GrowingBars(whole, end=30), LiveBars(whole[:30], whole.interval_ms)
    views = (replayed, live)
    kept = [
        (view.close, view.sma(5), view.ema(9), view.rsi(14), view.rolling_max(4), view.timestamp_ms)
        for view in views
    ]
    for at in range(30, 80):
        live.push(whole[at])
        for view in views:
            view.advance()
        assert len(live) == at + 1
        assert live[-1] == replayed[-1]
        for one, other in zip(*kept, strict=True):
            assert one == pytest.approx(other, rel=1e-12, nan_ok=True)
    assert live["high"].tolist() == whole.high.tolist()
    assert live.past().close.tolist() == whole.close.tolist()
    assert not live.changed_columns()


def test_a_bar_is_shown_once_it_is_advanced_to() -> None:
    whole = walk(2, 4)
    live = LiveBars(whole[:2], whole.interval_ms)
    live.push(whole[2])
    assert len(live) == 2
    assert live.close == whole.close[:2].tolist()
    with pytest.raises(IndexError):
        live[2]


def test_what_does_not_follow_is_refused() -> None:
    whole = walk(2, 4)
    live = LiveBars(whole, whole.interval_ms)
    with pytest.raises(RequestError, match="later than the last"):
        live.push(whole[1])
    with pytest.raises(RequestError, match="open_interest"):
        live.extra("open_interest")


def test_a_written_column_is_found() -> None:
    whole = walk(2, 4)
    live = LiveBars(whole, whole.interval_ms)
    live.close[-1] = 0.0
    assert live.changed_columns()
