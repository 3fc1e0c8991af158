"""Fault plans, their draws, and what they do to one connection's frames."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import Channel
from headwater.core.errors import ConfigError
from headwater.simulator.fault_line import FrameLine
from headwater.simulator.faults import (
    MAX_JOURNAL,
    FaultInjector,
    FaultPlan,
    FrameFaults,
    HttpFault,
    HttpFaults,
    Mute,
    MuteFaults,
    SocketFault,
    SocketFaults,
    plan_from_bytes,
    plan_from_file,
)

TEXTS = [f'{{"e":"aggTrade","a":{number}}}' for number in range(200)]


def _line(plan: FaultPlan) -> tuple[FrameLine, FaultInjector]:
    injector = FaultInjector(plan)
    return FrameLine(injector, "socket"), injector


def _sent(line: FrameLine, texts: list[str]) -> list[str]:
    """Passes frames on one batch of ten after the other; what is held comes at the end."""
    passed = [
        text
        for start in range(0, len(texts), 10)
        for text, _ in line.pass_on(texts[start : start + 10], 0, 0.0)
    ]
    held = line.release()
    return passed if held is None else [*passed, held]


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


def test_one_seed_gives_one_weather() -> None:
    plan = FaultPlan(seed=3, frames=FrameFaults(drop=0.2, duplicate=0.2, swap=0.2, corrupt=0.1))
    first, second = (_sent(_line(plan)[0], TEXTS) for _ in range(2))
    assert first == second
    assert _sent(_line(FaultPlan(seed=4, frames=plan.frames))[0], TEXTS) != first


@given(seed=st.integers(0, 2**32), odds=st.floats(0, 1))
def test_drops_leave_the_rest_in_order_and_are_counted(seed: int, odds: float) -> None:
    line, injector = _line(FaultPlan(seed=seed, frames=FrameFaults(drop=odds)))
    sent = _sent(line, TEXTS)
    assert sent == [text for text in TEXTS if text in set(sent)]
    assert injector.counts["drop"] == len(TEXTS) - len(sent)


@given(seed=st.integers(0, 2**32), duplicate=st.floats(0, 1), swap=st.floats(0, 1))
def test_duplicates_and_swaps_lose_nothing(seed: int, duplicate: float, swap: float) -> None:
    frames = FrameFaults(duplicate=duplicate, swap=swap)
    line, injector = _line(FaultPlan(seed=seed, frames=frames))
    sent = Counter(_sent(line, TEXTS))
    assert set(sent) == set(TEXTS)
    assert sent.total() == len(TEXTS) + injector.counts["duplicate"]


def test_a_swap_moves_a_frame_by_one_place() -> None:
    line, injector = _line(FaultPlan(frames=FrameFaults(swap=1.0)))
    assert _sent(line, ["a", "b", "c", "d"]) == ["b", "a", "d", "c"]
    assert injector.counts["swap"] == 2


def test_a_corrupt_frame_is_a_true_beginning() -> None:
    line, _ = _line(FaultPlan(frames=FrameFaults(corrupt=1.0)))
    for text, sent in zip(TEXTS, _sent(line, TEXTS), strict=True):
        assert text.startswith(sent)
        assert 0 < len(sent) < len(text)


def test_a_mute_takes_only_its_channel_and_ends() -> None:
    line, injector = _line(FaultPlan())
    injector.mutes.append(
        Mute(channel=Channel.TRADES, symbol="BTCUSDT", marks=("trade", "BTC"), until_s=5.0)
    )
    texts = ["trade BTC", "trade ETH", "book BTC"]
    assert [text for text, _ in line.pass_on(texts, 0, 4.9)] == texts[1:]
    assert [text for text, _ in line.pass_on(texts, 0, 5.0)] == texts
    assert injector.counts["mute"] == 1


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
