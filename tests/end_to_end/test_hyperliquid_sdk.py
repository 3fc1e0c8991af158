"""Hyperliquid's own Python SDK, unmodified, against `headwater simulate`.

Its `Info` takes another address as a parameter; sockets and callbacks run in threads of its own.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from queue import Queue
from typing import Any

import pytest
from tests.end_to_end.simulated import PATIENCE_S, Image, Simulated, image, simulated

pytest.importorskip("hyperliquid.info", reason="the SDK is not in this environment: make setup")

COIN = "BTC"
SYMBOL = "BTCUSDT"
HOUR_MS = 3_600_000
NOBODY = "0x" + "1" * 40
LEVELS = 20
UPDATES = 5


@pytest.fixture(scope="module")
def venue() -> Iterator[Simulated]:
    with simulated("hyperliquid") as found:
        yield found


@pytest.fixture(scope="module")
def info(venue: Simulated) -> Iterator[Any]:
    from hyperliquid.info import Info

    client = Info(base_url=venue.rest, timeout=PATIENCE_S)
    yield client
    client.disconnect_websocket()
    client.ws_manager.join(PATIENCE_S)
    client.session.close()


def _now_ms(venue: Simulated) -> int:
    return int(venue.truth("info")["now_ms"])


def test_it_reads_the_listing_and_its_contexts(info: Any, venue: Simulated) -> None:
    meta = info.meta()
    names = [coin["name"] for coin in meta["universe"]]
    assert len(names) == len(venue.truth("info")["symbols"])
    assert "kPEPE" in names
    assert [info.name_to_asset(name) for name in names] == list(range(len(names)))
    again, contexts = info.meta_and_asset_ctxs()
    assert again == meta
    assert len(contexts) == len(names)
    for context in contexts:
        assert float(context["openInterest"]) > 0
        assert float(context["markPx"]) == pytest.approx(float(context["oraclePx"]), rel=0.05)
        assert abs(float(context["funding"])) < 0.01
    assert set(info.all_mids()) == set(names)
    assert info.spot_meta()["universe"] == []
    assert info.perp_dexs() == [None]


def test_it_reads_book_candles_and_funding(info: Any, venue: Simulated) -> None:
    book = info.l2_snapshot(COIN)
    assert book["coin"] == COIN
    assert [len(side) for side in book["levels"]] == [LEVELS, LEVELS]
    bids, asks = ([float(level["px"]) for level in side] for side in book["levels"])
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]
    now_ms = _now_ms(venue)
    candles = info.candles_snapshot(COIN, "5m", now_ms - HOUR_MS, now_ms)
    assert len(candles) in (12, 13)
    assert {later["t"] - earlier["T"] for earlier, later in pairwise(candles)} == {1}
    for row in candles:
        low, high = float(row["l"]), float(row["h"])
        assert low <= min(float(row["o"]), float(row["c"]))
        assert high >= max(float(row["o"]), float(row["c"]))
    for end in ((), (now_ms,)):
        past = info.funding_history(COIN, now_ms - 24 * HOUR_MS, *end)
        moments = [row["time"] for row in past]
        assert len(moments) == 24
        assert {later - earlier for earlier, later in pairwise(moments)} == {HOUR_MS}


def test_an_address_has_no_account_and_a_wrong_request_an_error(info: Any) -> None:
    from hyperliquid.utils.error import ClientError, ServerError

    assert info.open_orders(NOBODY) == info.user_fills(NOBODY) == []
    state = info.user_state(NOBODY)
    assert (state["marginSummary"]["accountValue"], state["assetPositions"]) == ("0.0", [])
    assert info.spot_user_state(NOBODY) == {"balances": []}
    with pytest.raises(ServerError):
        info.post("/info", {"type": "l2Book", "coin": "NOPE"})
    with pytest.raises(ClientError):
        info.post("/info", {"type": "nonsense"})


def test_it_hears_every_public_subscription(info: Any, venue: Simulated) -> None:
    """Trades are the market's, each once; the book is the market's; the rest goes on coming."""
    wanted: dict[str, dict[str, str]] = {
        kind: {"type": kind, "coin": COIN} for kind in ("trades", "l2Book", "bbo", "activeAssetCtx")
    }
    wanted["candle"] = {"type": "candle", "coin": COIN, "interval": "1m"}
    wanted["allMids"] = {"type": "allMids"}
    heard: dict[str, Queue[Any]] = {kind: Queue() for kind in wanted}

    def note(kind: str) -> Callable[[Any], None]:
        return lambda message: heard[kind].put(message["data"])

    numbers = {kind: info.subscribe(asked, note(kind)) for kind, asked in wanted.items()}
    first = {
        kind: [queue.get(timeout=PATIENCE_S) for _ in range(2 if "Ctx" in kind else UPDATES)]
        for kind, queue in heard.items()
    }
    _check_trades(venue, [row for batch in first["trades"] for row in batch])
    _meet_the_truth(venue, heard["l2Book"], {_image(data) for data in first["l2Book"]})
    for data in first["bbo"]:
        bid, ask = (float(level["px"]) for level in data["bbo"])
        assert bid < ask
    assert all((data["s"], data["i"]) == (COIN, "1m") for data in first["candle"])
    assert all(float(data["ctx"]["markPx"]) > 0 for data in first["activeAssetCtx"])
    assert all(float(data["mids"][COIN]) > 0 for data in first["allMids"])
    for kind, number in numbers.items():
        assert info.unsubscribe(wanted[kind], number)


def _check_trades(venue: Simulated, rows: list[Any]) -> None:
    """The market's prints without a hole, in its order."""
    got = [(row["time"], row["side"], float(row["px"]), float(row["sz"])) for row in rows]
    truth = [
        (one["timestamp_ms"], "B" if one["side"] == "buy" else "A", one["price"], one["quantity"])
        for _, one in sorted(venue.trades(SYMBOL, 0, 2**53).items())
    ]
    starts = [start for start, one in enumerate(truth) if one == got[0]]
    assert any(truth[start : start + len(got)] == got for start in starts)
    assert len({row["tid"] for row in rows}) == len(rows)


def _image(data: Any) -> Image:
    bids, asks = (
        [(float(level["px"]), float(level["sz"])) for level in side] for side in data["levels"]
    )
    return image(bids, asks, LEVELS)


def _meet_the_truth(venue: Simulated, books: Queue[Any], seen: set[Image]) -> None:
    """At some moment the book that was sent equals the market's, all levels of it."""
    truths: set[Image] = set()
    for _ in range(200):
        truths.add(venue.book(SYMBOL, LEVELS))
        seen.add(_image(books.get(timeout=PATIENCE_S)))
        if truths & seen:
            return
    pytest.fail("no book that was sent was the market's")
