"""The short way of trades: what is plainly new passes, everything else is looked at."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.feeds.made import trade

from headwater.core.records import Trade
from headwater.feeds.takers import Takers, takers_of
from headwater.feeds.trade_line import TradeLine
from headwater.venues.messages import TradeRun

RECENT = 200


class Rig:
    """The takers of one symbol, and what passes them."""

    def __init__(self, first: Trade) -> None:
        self.line = TradeLine(first, RECENT)
        self.published: list[Trade] = [first]
        self.unusual: list[Trade] = []
        self.waits: set[str] = set()

    def uncounted(self) -> Takers:
        """Takers whose unusual trades are told by their id, as the continuity does it."""
        return takers_of(self.line, self.published.append, self.judge, self.waits)

    def note(self, one: Trade, _: TradeLine) -> None:
        """What is not the next one."""
        self.unusual.append(one)

    def judge(self, one: Trade, line: TradeLine) -> None:
        """What is not plainly new."""
        self.unusual.append(one)
        if line.take_new(one, RECENT):
            self.published.append(one)


def at(moment: int, number: int) -> Trade:
    """A trade of an uncounted symbol: its id says when it was."""
    made = trade(None, trade_id=f"{moment}-{number}")
    return msgspec.structs.replace(made, timestamp_ms=made.timestamp_ms + moment)


MOMENTS = st.builds(at, st.integers(1, 5), st.integers(0, 4))


@given(st.lists(st.lists(MOMENTS, min_size=1, max_size=6), max_size=20))
def test_each_trade_passes_once_whatever_comes_again_late_or_together(
    messages: list[list[Trade]],
) -> None:
    rig = Rig(at(0, 0))
    takers = rig.uncounted()
    seen = {"0-0": at(0, 0)}
    for message in messages:
        if len(message) == 1:
            takers.one(message[0])
        else:
            takers.run(TradeRun(message))
        for one in message:
            seen.setdefault(str(one.trade_id), one)
    assert rig.published == list(seen.values())
    assert list(rig.line.recent) == rig.published


def test_later_trades_and_fills_of_one_instant_go_the_short_way() -> None:
    rig = Rig(at(0, 0))
    takers = rig.uncounted()
    takers.one(at(1, 0))
    takers.one(at(1, 1))
    takers.run(TradeRun([at(2, 0), at(2, 1), at(3, 0)]))
    takers.one(at(3, 1))
    assert [one.trade_id for one in rig.published] == [
        "0-0", "1-0", "1-1", "2-0", "2-1", "3-0", "3-1",
    ]  # fmt: skip
    assert rig.unusual == []
    takers.one(at(3, 0))
    assert rig.unusual == [at(3, 0)]
    assert len(rig.published) == 7


def test_while_a_symbol_is_under_repair_nothing_is_plainly_new() -> None:
    rig = Rig(at(0, 0))
    takers = rig.uncounted()
    rig.waits.add("AAAUSDT")
    takers.one(at(1, 0))
    takers.run(TradeRun([at(2, 0), at(2, 1)]))
    assert rig.unusual == [at(1, 0), at(2, 0), at(2, 1)]


def test_a_counted_trade_goes_the_short_way_when_it_is_the_next_one() -> None:
    rig = Rig(trade(10))
    takers = takers_of(rig.line, rig.published.append, rig.note, rig.waits)
    takers.run(TradeRun([trade(11), trade(12)]))
    takers.one(trade(14))
    takers.one(trade(12))
    assert rig.published == [trade(10), trade(11), trade(12)]
    assert rig.unusual == [trade(14), trade(12)]
    rig.line.end()
    takers.one(trade(13))
    assert rig.unusual[-1] == trade(13)
