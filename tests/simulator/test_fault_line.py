"""What frame faults do to one connection, and a market that shows an older book."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.venue_bench import Bench

from headwater.core.enums import Channel
from headwater.simulator.fault_line import FrameLine
from headwater.simulator.faults import (
    FaultInjector,
    FaultPlan,
    FrameFaults,
    HttpFaults,
    Mute,
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


async def test_a_stale_book_is_older_than_the_market(bench: Bench) -> None:
    bench.weather(http=HttpFaults(stale_book=1.0, stale_s=(3.0, 3.0)))
    await bench.steps(100)
    stale = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="50")
    await bench.status("/fapi/v1/time")  # has no book in it, so nothing happens to it
    assert bench.venue.injector.counts["stale_book"] == 1
    bench.weather()
    fresh = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="50")
    assert stale["lastUpdateId"] < fresh["lastUpdateId"]
    assert len(stale["bids"]) == 50
    assert fresh["lastUpdateId"] == bench.venue.market.book("BTCUSDT", 1).sequence
