"""What waits for a slow client: bounds, policies, and the truth about what was missed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.stream_backlog import Backlog
from headwater.api.stream_topics import HubTopic
from headwater.api.websocket_frames import Opcode, encode_frame
from headwater.bus.topics import SlowPolicy

MAX = 1 << 20


def topic(key: str, policy: SlowPolicy = SlowPolicy.DROP_OLDEST) -> HubTopic:
    """A topic without clients."""
    return HubTopic(key, policy, MAX)


def event(number: int, size: int = 0) -> bytes:
    """A frame that tells its number."""
    return encode_frame(Opcode.TEXT, b'{"number":%d}' % number + b" " * size)


def decoded(frames: list[bytes]) -> list[dict[str, object]]:
    """The messages of small frames."""
    return [msgspec.json.decode(frame[2:] if frame[1] < 126 else frame[4:]) for frame in frames]


def test_events_keep_their_order_and_leave_in_chunks() -> None:
    backlog, events = Backlog(), topic("events")
    for number in range(5):
        assert backlog.hold(events, event(number), MAX)
    first = backlog.take(len(event(0)) + 1)
    assert [m["number"] for m in decoded(first)] == [0, 1]
    assert [m["number"] for m in decoded(backlog.take(1))] == [2]
    assert [m["number"] for m in decoded(backlog.take(MAX))] == [3, 4]
    assert backlog.take(MAX) == []
    assert (backlog.held, backlog.bytes_held) == (0, 0)


def test_what_waits_of_topics_given_up_is_discarded() -> None:
    backlog, room = Backlog(), 2000
    stays, goes = topic("stays"), topic("goes")
    states = [topic(key, SlowPolicy.LATEST) for key in ("kept", "gone")]
    for number in range(10):
        for source in (stays, goes, *states):
            assert backlog.hold(source, event(number, 100), room)
    assert backlog.keep(event(99), room)
    assert goes.dropped
    backlog.keep_only({stays, states[0]})
    held = backlog.bytes_held
    messages = decoded(backlog.take(MAX))
    assert held >= sum(len(msgspec.json.encode(message)) for message in messages)
    first = stays.dropped
    assert messages[0] == {"number": 99}
    assert messages[1] == {"type": "dropped", "topic": "stays", "count": first}
    assert [m["number"] for m in messages[2:]] == [9, *range(first, 10)]
    assert backlog.bytes_held == 0


def test_dropped_events_are_told_before_the_next_one() -> None:
    backlog, events = Backlog(), topic('say "hi"')
    for number in range(10):
        assert backlog.hold(events, event(number, 100), 500)
    messages = decoded(backlog.take(MAX))
    assert messages[0] == {"type": "dropped", "topic": 'say "hi"', "count": events.dropped}
    assert [m["number"] for m in messages[1:]] == list(range(events.dropped, 10))
    assert events.dropped > 0


def test_state_keeps_only_the_newest_of_each_topic() -> None:
    backlog = Backlog()
    book, ticker = topic("book", SlowPolicy.LATEST), topic("ticker", SlowPolicy.LATEST)
    for number in range(100):
        assert backlog.hold(book, event(number), 200)
        assert backlog.hold(ticker, event(1000 + number), 200)
    assert [m["number"] for m in decoded(backlog.take(1))] == [99, 1099]
    assert (book.conflated, ticker.conflated, book.dropped) == (99, 99, 0)


def test_what_must_not_be_lost_displaces_events_and_then_overflows() -> None:
    backlog = Backlog()
    events, orders = topic("events"), topic("orders", SlowPolicy.DISCONNECT)
    for number in range(3):
        backlog.hold(events, event(number, 50), 1000)
    room = backlog.bytes_held + 200
    assert backlog.hold(orders, event(100, 100), room)
    assert backlog.hold(orders, event(101, 100), room)
    assert events.dropped > 0
    assert not backlog.hold(orders, event(102, 100), room)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 80)), max_size=60),
    st.integers(450, 900),  # three notices and one event always fit
    st.sets(st.integers(0, 59), max_size=5),
)
def test_every_event_is_delivered_or_counted_and_the_bound_holds(
    published: list[tuple[int, int]], room: int, takes: set[int]
) -> None:
    backlog = Backlog()
    topics = [topic("a"), topic("b"), topic("c")]
    seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    missed = {"a": 0, "b": 0, "c": 0}

    def take() -> None:
        for frame in backlog.take(200):
            [message] = decoded([frame])
            if message.get("type") == "dropped":
                missed[str(message["topic"])] += int(str(message["count"]))
            else:
                number = int(str(message["number"]))
                seen["abc"[published[number][0]]].append(number)

    for number, (which, size) in enumerate(published):
        assert backlog.hold(topics[which], event(number, size), room)
        assert backlog.bytes_held <= room
        if number in takes:
            take()
    while backlog.held or backlog.bytes_held:
        take()
    for which, key in enumerate("abc"):
        numbers = [number for number, (of, _) in enumerate(published) if of == which]
        assert seen[key] == sorted(seen[key])
        assert set(seen[key]) <= set(numbers)
        assert len(seen[key]) + missed[key] == len(numbers)
        assert missed[key] == topics[which].dropped
