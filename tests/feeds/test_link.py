"""One socket's conversation: events to their handlers, shadows that wait."""

from collections.abc import Iterable, Sequence

from tests.feeds.made import EXCHANGE, ToyStream, instrument, trade

from headwater.core.enums import Channel
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Record, Ticker, Trade
from headwater.feeds.link import STREAM_CLASSES, Handlers, Link, drop
from headwater.transport.ws import CloseInfo
from headwater.venues.messages import Ack, Ignored, StreamEvent, Subscription, TradeRun

TICKER = Ticker(exchange=EXCHANGE, symbol="A", native_symbol="A", timestamp_ms=1, received_ns=1)


class Reader(ToyStream):
    """Reads frames that are the names of prepared events."""

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """`t5` is trade 5."""
        if frame.startswith(b"t"):
            made = trade(int(frame[1:]))
            take = self.taker_of and self.taker_of(made.symbol)
            if take is not None:
                take(made)
                return ()
            return (made,)
        if frame.startswith(b"run"):
            return TradeRun([trade(int(one)) for one in frame[3:].split()])
        if frame == b"state":
            return (TICKER,)
        if frame == b"ack":
            return (Ack(request_id=1), Ignored(what="x", reason="y"))
        raise WireError(EXCHANGE, "x", "unreadable", frame)


class Rig:
    """A link and everything it tells."""

    def __init__(self, shadow_max: int | None = None, *, has_takers: bool = False) -> None:
        self.heard: list[Record] = []
        self.errors: list[WireError] = []
        self.woken = 0
        self.taped: list[bytes] = []
        self.taken: list[Trade] = []
        handlers = dict.fromkeys(STREAM_CLASSES, self.heard.append)
        self.link = Link(
            "ws://venue/x",
            Reader(),
            InstrumentTable(EXCHANGE, [instrument("AAAUSDT")]),
            handlers,
            self.errors.append,
            self.wake,
            self,
            shadow_max,
            (lambda _: self.taken.append) if has_takers else None,
        )

    def wake(self) -> None:
        """Counts."""
        self.woken += 1

    def on_frame(self, url: str, frame: bytes, received_ns: int) -> None:
        """Tape."""
        assert url == "ws://venue/x"
        self.taped.append(frame)

    def frames(self, *frames: bytes) -> None:
        """Frames arrive."""
        for frame in frames:
            self.link.on_frame(frame, 1)

    def sequences(self) -> Iterable[int | None]:
        """Trades handed on."""
        return [one.sequence for one in self.heard if isinstance(one, Trade)]


def test_events_go_to_their_handlers_and_errors_do_not_end_the_link() -> None:
    rig = Rig()
    rig.frames(b"t1", b"broken", b"state", b"ack")
    rig.link.on_control(1)
    assert rig.heard == [trade(1), TICKER]
    assert len(rig.errors) == 1
    assert (rig.link.frames, rig.link.signs, rig.link.ignored) == (4, 5, 1)
    assert [ack.request_id for ack in rig.link.take_acks()] == [1]
    assert rig.link.take_acks() == []
    assert rig.woken == 1, "an acknowledgement is looked at soon"
    assert rig.taped == [b"t1", b"broken", b"state", b"ack"]


def test_a_shadow_keeps_events_and_frames_until_it_takes_over() -> None:
    rig = Rig(shadow_max=10)
    rig.frames(b"t1", b"state", b"t2", b"ack")
    assert rig.heard == []
    assert rig.taped == []
    assert len(rig.link.take_acks()) == 1, "its own conversation goes on"
    assert rig.link.promote() == 2
    rig.frames(b"t3")
    assert rig.sequences() == [1, 2, 3]
    assert TICKER not in rig.heard, "the old connection carried newer states"
    assert rig.taped == [b"t1", b"state", b"t2", b"ack", b"t3"]


def test_a_full_shadow_says_so() -> None:
    rig = Rig(shadow_max=2)
    rig.frames(b"t1")
    before = rig.link.is_full
    rig.frames(b"t2")
    assert (before, rig.link.is_full) == (False, True)
    assert rig.woken == 1


def test_what_was_abandoned_is_not_heard_any_more() -> None:
    rig = Rig()
    rig.link.abandon("replaced")
    rig.frames(b"t1")
    rig.link.on_close(CloseInfo(code=1000, reason="later", clean=True))
    assert rig.heard == []
    assert rig.link.closed is not None
    assert rig.link.closed.reason == "replaced"
    assert not rig.link.is_open


def test_a_link_knows_the_instruments_of_its_parser() -> None:
    link = Rig().link
    assert link.knows(Subscription(channel=Channel.TRADES, native_symbol=None))
    assert link.knows(Subscription(channel=Channel.TRADES, native_symbol="AAAUSDT"))
    assert not link.knows(Subscription(channel=Channel.TRADES, native_symbol="NEWUSDT"))
    drop(object())


def test_a_parser_hands_trades_to_their_takers_once_the_link_is_no_shadow() -> None:
    rig = Rig(shadow_max=10, has_takers=True)
    rig.frames(b"t1")
    assert (rig.taken, rig.heard) == ([], []), "a shadow keeps its trades"
    rig.link.promote()
    rig.frames(b"t2")
    assert (rig.heard, rig.taken) == ([trade(1)], [trade(2)])
    rig.link.abandon("replaced")
    rig.frames(b"t3")
    assert rig.taken == [trade(2)]


def test_trades_of_one_message_stay_together_for_whoever_takes_runs() -> None:
    rig = Rig()
    rig.frames(b"run 1 2")
    assert rig.heard == [trade(1), trade(2)], "nobody does"
    runs: list[TradeRun] = []
    reader = Reader()
    table = InstrumentTable(EXCHANGE, [instrument("AAAUSDT")])
    handlers: Handlers = {TradeRun: runs.append}
    link = Link("ws://venue/x", reader, table, handlers, rig.errors.append, rig.wake)
    link.on_frame(b"run 3 4", 1)
    assert runs == [TradeRun([trade(3), trade(4)])]
    shadow = Rig(shadow_max=2)
    shadow.frames(b"run 1 2")
    assert shadow.link.is_full, "each trade counts"
    assert shadow.link.promote() == 2
    assert shadow.heard == [trade(1), trade(2)]
