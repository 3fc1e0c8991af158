"""The platform's promise under faults: no trade lost or doubled, every hole known, true books.

Each seed runs in real time against the simulated exchange on loopback: weather, then calm, then
the market stands still and both ends are compared id by id. The short set runs always; the long
one (every switch, 20 seeds) is marked soak.
"""

import asyncio

import pytest
from tests.feeds.simulated_venue import (
    SYMBOLS,
    Scene,
    faulted_trades,
    last_print,
    scene,
    streams,
)

from headwater.core.enums import Channel
from headwater.simulator.faults import (
    FaultPlan,
    FrameFaults,
    HttpFaults,
    MuteFaults,
    SocketFaults,
)

SWITCHES: dict[str, FaultPlan] = {
    "drop": FaultPlan(frames=FrameFaults(drop=0.03)),
    "duplicate": FaultPlan(frames=FrameFaults(duplicate=0.2)),
    "swap": FaultPlan(frames=FrameFaults(swap=0.1)),
    "corrupt": FaultPlan(frames=FrameFaults(corrupt=0.03)),
    "delay": FaultPlan(frames=FrameFaults(delay=0.2)),
    "reset": FaultPlan(sockets=SocketFaults(resets_per_min=30)),
    "close": FaultPlan(sockets=SocketFaults(closes_per_min=30)),
    "half_frame": FaultPlan(sockets=SocketFaults(half_frames_per_min=30)),
    "stall": FaultPlan(sockets=SocketFaults(stalls_per_min=30, stall_s=(0.1, 1.5))),
    "refusal": FaultPlan(sockets=SocketFaults(refusals_per_min=20, refusal_s=(0.1, 0.8))),
    "mute": FaultPlan(mutes=MuteFaults(mutes_per_min=60, mute_s=(0.5, 3.0))),
    "rest": FaultPlan(
        frames=FrameFaults(drop=0.03),
        http=HttpFaults(
            too_many=0.05,
            error_before=0.1,
            error_after=0.1,
            timeout_before=0.03,
            html=0.05,
            stale_book=0.3,
            delay=0.2,
            timeout_s=(0.1, 0.4),
        ),
    ),
    "ban": FaultPlan(
        sockets=SocketFaults(resets_per_min=20), http=HttpFaults(banned=0.05, ban_s=1)
    ),
    "everything": FaultPlan(
        frames=FrameFaults(drop=0.01, duplicate=0.05, swap=0.02, corrupt=0.01, delay=0.05),
        sockets=SocketFaults(
            resets_per_min=8,
            closes_per_min=8,
            half_frames_per_min=4,
            stalls_per_min=4,
            stall_s=(0.1, 1.0),
            refusals_per_min=3,
            refusal_s=(0.1, 0.8),
        ),
        mutes=MuteFaults(mutes_per_min=10, mute_s=(0.5, 3.0)),
        http=HttpFaults(too_many=0.02, error_before=0.03, html=0.02, stale_book=0.1, delay=0.1),
    ),
}


def compare(scene: Scene, name: str) -> None:
    """Compares what was delivered with what happened."""
    scene.seen.drain()
    pipeline = scene.feed.pipeline
    for symbol in SYMBOLS:
        trades = scene.seen.trades[symbol]
        ids = [trade.sequence or 0 for trade in trades]
        assert ids, f"{name}: no trade of {symbol}"
        last = last_print(scene.exchange, symbol)
        assert len(set(ids)) == len(ids), f"{name}: doubled"
        assert sorted(ids) == list(range(min(ids), last + 1)), f"{name}: lost"
        assert ids == sorted(ids), f"{name}: out of order"
        truth = {
            made.trade.sequence: made.trade
            for made in scene.exchange.truth.prints(symbol, min(ids), last)
        }
        for trade in trades:
            true = truth[trade.sequence]
            assert (trade.price, trade.quantity, trade.side, trade.timestamp_ms) == (
                true.price,
                true.quantity,
                true.side,
                true.timestamp_ms,
            ), name
        known: set[int] = set()
        for gap in pipeline.ledger.newest_first(symbol=symbol, channel=Channel.TRADES):
            assert gap.first_sequence is not None
            assert gap.last_sequence is not None
            known.update(range(gap.first_sequence, gap.last_sequence + 1))
        hit = {one for one in faulted_trades(scene.server)[symbol] if min(ids) < one <= last}
        # A frame that was hit on one connection may have come whole on its replacement.
        if not pipeline_rotated(scene):
            assert hit <= known, f"{name}: holes that the ledger does not know"
        kept = pipeline.books.kept(symbol)
        assert kept is not None
        book = scene.exchange.truth.book(symbol, 1000)
        assert kept.book.sequence == book.sequence
        assert kept.book.bids(20) == book.bids[:20], f"{name}: bids of {symbol}"
        assert kept.book.asks(20) == book.asks[:20], f"{name}: asks of {symbol}"


def pipeline_rotated(scene: Scene) -> bool:
    """Whether two connections ever overlapped."""
    return scene.feed.rotations > 0


async def play(name: str, seed: int, weather_s: float) -> None:
    """One seed of one switch."""
    async with scene(seed) as stage:
        wanted = streams()
        leases = [stage.feed.acquire(one) for one in wanted]
        live = await stage.until(lambda: stage.all_live(wanted))
        assert live, f"{name} {seed}: never live: {stage.feed.health()}"
        plan = SWITCHES[name]
        stage.server.injector.set_plan(plan)
        await asyncio.sleep(weather_s)
        await stage.calm_down()
        await asyncio.sleep(0.5)
        await stage.until(lambda: stage.all_live(wanted), 25)
        stage.market.frozen = True
        settled = await stage.until(stage.is_settled, 25)
        assert settled, f"{name} {seed}: not settled: {stage.feed.health()} {stage.feed.gaps()[:5]}"
        compare(stage, f"{name} {seed}")
        for lease in leases:
            lease.release()


async def test_nothing_is_lost_doubled_or_hidden() -> None:
    """One seed of each fault switch, side by side."""
    await asyncio.gather(*(play(name, 1, 3.0) for name in SWITCHES))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SWITCHES)
async def test_nothing_is_lost_doubled_or_hidden_long(name: str) -> None:
    """Twenty seeds of one fault switch."""
    for first in range(100, 120, 5):
        await asyncio.gather(*(play(name, seed, 8.0) for seed in range(first, first + 5)))
