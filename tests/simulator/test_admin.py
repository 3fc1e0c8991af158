"""The simulator's own paths: the truth and the switches."""

import json

import msgspec
from tests.simulator.venue_bench import Bench, rest_of

from headwater.simulator.faults import (
    FaultPlan,
    FrameFaults,
    SocketFault,
)


async def test_frame_faults_are_counted_and_can_be_changed_while_running(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    plan = FaultPlan(seed=5, frames=FrameFaults(drop=0.3, duplicate=0.3))
    body = msgspec.json.encode(plan)
    async with bench.client.put(f"{bench.rest}/_simulator/faults", data=body) as reply:
        assert reply.status == 200
    await bench.steps(300)
    bench.venue.cut_all(SocketFault.CLOSE)
    heard, _ = await rest_of(peer)
    counts = (await bench.read("/_simulator/injected"))["counts"]
    ids = [json.loads(text)["a"] for text in heard]
    newest = bench.venue.market.prints("BTCUSDT", limit=1)[0].trade.sequence or 0
    duplicated = len(ids) - len(set(ids))
    assert duplicated == counts["duplicate"]
    # Between the first and the last one heard, each id is there or was dropped.
    missing = set(range(ids[0], ids[-1] + 1)) - set(ids)
    dropped = {
        json.loads(one.detail)["a"] for one in bench.venue.injector.journal if one.kind == "drop"
    }
    assert missing <= dropped
    assert newest >= ids[-1]
    await peer.close()


async def test_our_own_paths_answer_and_refuse(bench: Bench) -> None:
    await bench.steps(5)
    info = await bench.read("/_simulator/info")
    assert (info["simulated"], info["venue"]) == (True, "binance")
    book = await bench.read("/_simulator/book", symbol="BTCUSDT", depth="3")
    assert len(book["bids"]) == 3
    assert await bench.read("/_simulator/liquidations") == []
    assert (await bench.read("/_simulator/faults"))["seed"] == 0
    bad = [
        ("GET", "prints?symbol=BTCUSDT&first=9&last=1"),
        ("GET", "prints?symbol=BTCUSDT"),
        ("GET", "book?symbol=NOPE"),
        ("PUT", "faults"),
        ("POST", "strike?fault=earthquake"),
        ("POST", "mute?channel=trades&symbol=BTCUSDT&seconds=nan"),
        ("POST", "refuse?seconds=-1"),
    ]
    for method, path in bad:
        async with bench.client.request(method, f"{bench.rest}/_simulator/{path}") as reply:
            assert reply.status == 400, path
            assert json.loads(await reply.read())["error"]
    assert (await bench.status("/_simulator/nothing"))[0] == 404
