"""Fault plans and their draws."""

from collections import Counter
from pathlib import Path

import pytest

from headwater.core.enums import Channel
from headwater.core.errors import ConfigError
from headwater.simulator.faults import (
    MAX_JOURNAL,
    FaultInjector,
    FaultPlan,
    HttpFault,
    HttpFaults,
    MuteFaults,
    SocketFault,
    SocketFaults,
    plan_from_bytes,
    plan_from_file,
)


def test_a_plan_reads_from_toml_and_json(tmp_path: Path) -> None:
    toml = tmp_path / "storm.toml"
    toml.write_text(
        "seed = 7\n[frames]\ndrop = 0.1\n"
        '[mutes]\nmutes_per_min = 2\nmute_s = [1, 5]\nchannels = ["trades"]\n'
    )
    plan = plan_from_file(toml)
    assert plan.frames.drop == 0.1
    assert plan.mutes.channels == (Channel.TRADES,)
    assert plan.mutes.mute_s == (1.0, 5.0)
    json = tmp_path / "storm.json"
    json.write_text('{"seed": 7, "http": {"html": 1}}')
    assert plan_from_file(json).http.html == 1


@pytest.mark.parametrize(
    "text",
    [
        b'{"frames": {"drop": 1.5}}',
        b'{"frames": {"drop": -0.1}}',
        b'{"frames": {"lose": 0.1}}',
        b'{"frames": {"delay_ms": [300, 0]}}',
        b'{"sockets": {"resets_per_min": -1}}',
        b'{"mutes": {"channels": ["gossip"]}}',
        b"not json",
    ],
)
def test_impossible_plans_are_refused(text: bytes) -> None:
    with pytest.raises(ConfigError):
        plan_from_bytes(text)


def test_a_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="faults"):
        plan_from_file(tmp_path / "absent.toml")


def test_rates_are_kept_and_nothing_happens_on_a_calm_day() -> None:
    calm = FaultInjector(FaultPlan())
    assert not calm.touches_frames
    assert all(calm.http_fault() is None for _ in range(100))
    assert all(calm.socket_fault(60.0) is None for _ in range(100))
    assert calm.mute_drawn(60.0, ["BTCUSDT"]) is None
    assert calm.refusal_s(60.0) is None
    windy = FaultInjector(
        FaultPlan(
            seed=1,
            sockets=SocketFaults(resets_per_min=3, stalls_per_min=3, refusals_per_min=60),
            mutes=MuteFaults(mutes_per_min=60),
            http=HttpFaults(html=0.25),
        )
    )
    minutes = 200
    struck = Counter(windy.socket_fault(0.05) for _ in range(minutes * 1200))
    assert 2.0 < struck[SocketFault.RESET] / minutes < 4.0
    assert 2.0 < struck[SocketFault.STALL] / minutes < 4.0
    assert struck[SocketFault.CLOSE] == 0
    pages = sum(windy.http_fault() is HttpFault.HTML for _ in range(2000))
    assert 400 < pages < 600
    assert windy.refusal_s(1.0) is not None
    drawn = windy.mute_drawn(1.0, ["BTCUSDT"])
    assert drawn is not None
    assert drawn[1] == "BTCUSDT"


def test_the_journal_is_bounded_and_the_counters_are_not() -> None:
    injector = FaultInjector(FaultPlan())
    for _ in range(MAX_JOURNAL + 5):
        injector.note("drop", 1, "socket", "x" * 10_000)
    assert len(injector.journal) == MAX_JOURNAL
    assert injector.counts["drop"] == MAX_JOURNAL + 5
    assert len(injector.journal[0].detail) < 1000
