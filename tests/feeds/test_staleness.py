"""How long silence is permitted, and what is done about it."""

import random

import pytest

from headwater.feeds.settings import SessionSettings
from headwater.feeds.staleness import Remedy, SilenceWatch

SETTINGS = SessionSettings()


def test_a_channel_without_a_limit_may_be_silent_for_ever() -> None:
    watch = SilenceWatch(None, SETTINGS, 0.0)
    assert not watch.overdue(1e9)
    assert not watch.watched


def test_silence_counts_also_when_nothing_ever_came() -> None:
    watch = SilenceWatch(9.0, SETTINGS, 0.0)
    assert not watch.overdue(9.0)
    assert watch.overdue(9.1)


def test_remedies_escalate_and_then_wait_longer() -> None:
    watch = SilenceWatch(5.0, SETTINGS, 0.0)
    assert watch.remedy(6.0) is Remedy.RESUBSCRIBE
    assert not watch.overdue(10.0)
    assert watch.overdue(11.5)
    assert watch.remedy(11.5) is Remedy.RECONNECT
    watch.carried_over(12.0)
    assert watch.limit_s == 10.0
    watch.seen(13.0)
    assert watch.limit_s == 5.0


def test_a_busy_channel_is_held_to_the_configured_limit_after_one_long_silence() -> None:
    watch = SilenceWatch(8.0, SETTINGS, 0.0)
    for second in range(100):
        watch.seen(second * 0.5)
    watch.seen(57.0)
    assert watch.limit_s == 8.0


def test_a_quiet_channel_is_given_three_times_its_longest_recent_silence() -> None:
    watch = SilenceWatch(8.0, SETTINGS, 0.0)
    for moment in (0.0, 20.0, 50.0, 60.0):
        watch.seen(moment)
    assert watch.limit_s == pytest.approx(90.0)


def test_a_silence_that_the_remedy_ended_is_not_learned() -> None:
    watch = SilenceWatch(8.0, SETTINGS, 0.0)
    watch.seen(1.0)
    watch.remedy(10.0)
    watch.seen(11.0)
    assert watch.limit_s == 8.0


def test_an_outage_is_not_learned() -> None:
    watch = SilenceWatch(8.0, SETTINGS, 0.0)
    watch.seen(1.0)
    watch.interrupted(100.0)
    watch.seen(200.0)
    assert watch.limit_s == 8.0


def test_proof_of_real_quiet_is_learned() -> None:
    watch = SilenceWatch(8.0, SETTINGS, 0.0)
    watch.seen(0.0)
    watch.known_quiet(12.0)
    assert watch.limit_s == pytest.approx(36.0)
    assert not watch.overdue(40.0)


def test_the_ceiling_holds_whatever_was_seen() -> None:
    watch = SilenceWatch(5.0, SessionSettings(quiet_max_s=100.0), 0.0)
    watch.seen(0.0)
    watch.seen(90.0)
    assert watch.limit_s == 100.0


@pytest.mark.parametrize("seed", range(20))
def test_a_quiet_symbol_gives_at_most_one_false_alarm_a_day(seed: int) -> None:
    """A trade every 40 s on average, 24 virtual hours after one hour of learning."""
    rng = random.Random(seed)
    watch = SilenceWatch(9.0, SETTINGS, 0.0)
    now = 0.0
    alarms = 0
    for _ in range(25 * 90):
        arrival = now + rng.expovariate(1 / 40)
        while watch.overdue(arrival):
            limit = watch.limit_s
            assert limit is not None
            watch.remedy(arrival)
            if now > 3600:
                alarms += 1
        now = arrival
        watch.seen(now)
    assert alarms <= 1
