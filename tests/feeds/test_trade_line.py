"""One symbol's count: what may go on, what waits, what is missing."""

from tests.feeds.made import trade

from headwater.feeds.trade_line import HOLDING, Hole, TradeLine


def _sequences(trades: list[object]) -> list[object]:
    return [getattr(one, "sequence", None) for one in trades]


def _line() -> TradeLine:
    return TradeLine(trade(10), recent_max=5)


def test_the_first_trade_begins_the_count() -> None:
    line = _line()
    assert (line.expected, line.next, line.last_ms) == (11, 11, trade(10).timestamp_ms)
    assert line.knows(10)
    assert not line.knows(11)


def test_held_trades_go_on_when_the_missing_one_comes() -> None:
    line = _line()
    line.hold(0.0)
    assert line.expected == HOLDING
    line.held[12] = trade(12)
    assert line.ready(1.0) == []
    line.held[11] = trade(11)
    assert _sequences([*line.ready(1.0)]) == [11, 12]
    assert (line.is_holding, line.expected) == (False, 13)


def test_each_hole_is_found_once() -> None:
    line = _line()
    line.hold(0.0)
    for sequence in (13, 14, 17):
        line.held[sequence] = trade(sequence)
    assert [hole[:2] for hole in line.find_holes(14)] == [(11, 12)]
    assert [hole[:2] for hole in line.find_holes(17)] == [(15, 16)]
    assert line.find_holes(17) == []


def test_fetched_trades_fill_several_holes_at_once_in_order() -> None:
    line = _line()
    line.hold(0.0)
    for sequence in (12, 14):
        line.held[sequence] = trade(sequence)
    line.holes = [Hole(1, 11, 11, 0), Hole(2, 13, 13, 0)]
    published = line.take_fetched([trade(11), trade(12), trade(13)], 1.0)
    assert _sequences([*published]) == [11, 12, 13, 14]
    assert [hole.missing for hole in line.holes] == [0, 0]
    assert not line.is_holding


def test_after_a_release_fetched_trades_come_behind_the_newer_ones() -> None:
    line = _line()
    line.hold(0.0)
    line.held[13] = trade(13)
    line.holes = [Hole(1, 11, 12, 0)]
    assert _sequences([*line.release()]) == [13]
    assert line.expected == 14
    assert line.knows(11), "a double of what is being fetched is no news"
    assert _sequences([*line.take_fetched([trade(11), trade(12)], 1.0)]) == [11, 12]
    assert line.holes[0].missing == 0


def test_what_is_given_up_lets_the_rest_go_on() -> None:
    line = _line()
    line.hold(0.0)
    line.held[14] = trade(14)
    hole = Hole(1, 11, 13, 0)
    line.holes = [hole]
    assert line.skip(hole, 13, 1.0) == []
    assert (hole.lost, hole.first_lost, hole.last_lost, hole.missing) == (2, 11, 12, 1)
    assert _sequences([*line.take_fetched([trade(13)], 1.0)]) == [13, 14]


def test_the_newest_are_given_only_when_whole() -> None:
    line = _line()
    assert line.newest(2) is None
    for sequence in (11, 12):
        line.expected += 1
        line.recent.append(trade(sequence))
    newest = line.newest(2)
    assert newest is not None
    assert _sequences([*newest]) == [11, 12]
    line.holes = [Hole(1, 13, 13, 0)]
    assert line.newest(2) is None


def test_at_least_the_ids_of_the_recent_trades_and_at_most_the_bound_are_known() -> None:
    line = TradeLine(trade(None, trade_id="0"), recent_max=5)
    assert not line.take_new(trade(None, trade_id="0"), 10)
    for newest in range(1, 50):
        assert line.take_new(trade(None, trade_id=str(newest)), 10)
        assert not line.take_new(trade(None, trade_id=str(newest)), 10)
        assert {one.trade_id for one in line.recent} <= line.known_ids(10)
        assert len(line.known_ids(10)) <= 10
    assert line.take_new(trade(None, trade_id="0"), 10), "it was forgotten long ago"


def test_of_an_instant_that_does_not_end_the_newest_ids_are_known() -> None:
    """Each trade is a new one once, as the recent ones tell, and the memory is bounded."""
    line = TradeLine(trade(None, trade_id="0"), recent_max=5)
    news: list[str] = []
    for newest in range(1, 50):
        for number in range(max(0, newest - 4), newest + 1):
            one = trade(None, trade_id=str(number))
            if line.joins_latest(one):
                line.recent.append(one)
                news.append(str(number))
    assert news == [str(number) for number in range(1, 50)]
    assert line.joins_latest(trade(None, trade_id="1")), "it was forgotten long ago"


def test_a_line_that_has_ended_is_continued_by_no_trade() -> None:
    line = _line()
    line.end()
    assert line.is_over
    assert line.expected == HOLDING
    assert not line.joins_latest(trade(10))
    assert line.latest.timestamp_ms > trade(2**50).timestamp_ms
