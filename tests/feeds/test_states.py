"""States of subscriptions, combined from what streams and books say."""

from tests.feeds.made import EXCHANGE, Heard

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState
from headwater.core.records import ConnectionState
from headwater.feeds.states import StateBoard
from headwater.venues.messages import Subscription

BOOK = Subscription(channel=Channel.BOOK, native_symbol="a")
TRADES = Subscription(channel=Channel.TRADES, native_symbol="a")


def _board() -> tuple[StateBoard, Heard]:
    heard = Heard()
    board = StateBoard(EXCHANGE, heard.bus, ManualClock(), str.upper)
    board.add(BOOK)
    board.add(TRADES)
    return board, heard


def _changes(heard: Heard) -> list[tuple[str, FeedState]]:
    return [(one.symbol, one.state) for one in heard.all() if isinstance(one, ConnectionState)]


def test_a_book_is_live_only_when_stream_and_book_are() -> None:
    board, heard = _board()
    board.set_stream(BOOK, FeedState.LIVE, "")
    assert board.state_of(BOOK) is FeedState.CONNECTING
    board.set_book("a", FeedState.LIVE, "")
    assert board.is_live(BOOK)
    board.set_book("a", FeedState.RESYNCING, "a change is missing")
    board.set_stream(BOOK, FeedState.STALE, "silent")
    board.set_stream(BOOK, FeedState.STALE, "still silent")
    assert _changes(heard) == [
        ("A", FeedState.LIVE),
        ("A", FeedState.RESYNCING),
        ("A", FeedState.STALE),
    ]


def test_what_is_not_wanted_has_no_state() -> None:
    board, heard = _board()
    board.remove(TRADES)
    board.set_stream(TRADES, FeedState.LIVE, "")
    board.set_book("unknown", FeedState.LIVE, "")
    assert board.state_of(TRADES) is None
    assert heard.all() == []


def test_a_whole_connection_is_told_under_every_symbol() -> None:
    board, heard = _board()
    board.set_connection("public", FeedState.DOWN, "lost")
    change = heard.all()[0]
    assert isinstance(change, ConnectionState)
    assert (change.symbol, change.channel, change.reason) == ("*", None, "public: lost")


def test_health_lists_every_subscription() -> None:
    board, _ = _board()
    board.set_stream(TRADES, FeedState.LIVE, "")
    rows = board.channels(lambda _: 2, lambda one: 1.5 if one == TRADES else None)
    assert [(row.channel, row.symbol, row.state, row.subscribers, row.age_s) for row in rows] == [
        (Channel.BOOK, "A", FeedState.CONNECTING, 2, None),
        (Channel.TRADES, "A", FeedState.LIVE, 2, 1.5),
    ]
    assert list(board.subscriptions) == [BOOK, TRADES]
