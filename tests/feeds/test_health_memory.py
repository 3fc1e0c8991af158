"""Time in health is measured between notes, and trouble is remembered."""

from typing import Any

import msgspec

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState
from headwater.feeds.health_memory import HealthMemory
from headwater.feeds.source import ChannelHealth, VenueHealth

FINE = VenueHealth(
    exchange="toy",
    healthy=True,
    reason="",
    last_data_ms=1,
    clock_offset_ms=0,
    breaker="closed",
    used_weight={},
    connections=1,
    messages=1,
    wire_errors=0,
    rest_failures=0,
    reconnects=0,
    resyncs=0,
    open_gaps=0,
    channels=(),
)
ILL: dict[str, Any] = {"healthy": False, "reason": "silent for 90 s"}


def note(memory: HealthMemory, **changes: Any) -> None:
    memory.note(msgspec.structs.replace(FINE, **changes), "cut frame", "refused")


def test_the_time_until_the_next_note_counts_as_what_was_noted() -> None:
    clock = ManualClock()
    memory = HealthMemory(clock)
    for seconds, changes in ((4.0, ILL), (6.0, {}), (30.0, ILL), (10.0, {}), (0.0, {})):
        clock.advance(seconds)
        note(memory, **changes)
    assert memory.since_start_s == 50.0
    assert memory.healthy_s == 30.0


def test_before_the_first_note_nothing_counts_as_healthy() -> None:
    clock = ManualClock()
    memory = HealthMemory(clock)
    clock.advance(7.0)
    note(memory)
    assert (memory.since_start_s, memory.healthy_s, memory.last_error) == (7.0, 0.0, None)


def test_what_is_said_before_the_first_health_is_no_trouble() -> None:
    memory = HealthMemory(ManualClock())
    note(memory, **ILL)
    note(memory)
    assert memory.last_error is None
    note(memory, **ILL)
    assert memory.last_error == "silent for 90 s"


def test_the_newest_trouble_is_remembered_after_it_ended() -> None:
    memory = HealthMemory(ManualClock())
    note(memory)
    note(memory, **ILL)
    note(memory)
    assert memory.last_error == "silent for 90 s"
    note(memory, wire_errors=1)
    assert memory.last_error == "cut frame"
    note(memory, wire_errors=1, rest_failures=3)
    assert memory.last_error == "refused"
    note(memory, wire_errors=1, rest_failures=3, reconnects=1)
    assert memory.last_error == "a connection was lost"
    down = ChannelHealth(
        channel=Channel.TRADES,
        symbol="AAAUSDT",
        interval=None,
        state=FeedState.CONNECTING,
        since_ms=0,
        age_s=None,
        reason="closed with 1006",
        subscribers=1,
    )
    note(memory, wire_errors=1, rest_failures=3, reconnects=2, channels=(down,))
    assert memory.last_error == "closed with 1006"


def test_lost_connections_count_for_an_hour() -> None:
    clock = ManualClock()
    memory = HealthMemory(clock)
    for seconds, reconnects in ((0.0, 1), (1_000.0, 3), (1_000.0, 3), (1_601.0, 4)):
        clock.advance(seconds)
        note(memory, reconnects=reconnects)
    assert memory.reconnects_1h == 3, "the first one is more than an hour ago"
    clock.advance(3_600.0)
    note(memory, reconnects=4)
    assert memory.reconnects_1h == 0
