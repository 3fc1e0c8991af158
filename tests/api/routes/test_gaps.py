"""The gap ledger."""

import random

import pytest
from tests.api.fake_source import make_gap
from tests.api.served import Platform


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [2, 1]),
        ("?limit=1", [2]),
        ("?state=repaired", [1]),
        ("?channel=trades&exchange=binance", [2, 1]),
        ("?channel=book", []),
        ("?symbol=btc/usdt", [2, 1]),
        ("?symbol=BTC&exchange=binance", [2, 1]),
        ("?symbol=BTC", [2, 1]),
        ("?symbol=GONEUSDT", []),
        ("?symbol=ETHUSDT", []),
        ("?symbol=*", []),
    ],
)
async def test_newest_first_and_narrowed(platform: Platform, query: str, ids: list[int]) -> None:
    rows = (await platform.get(f"/gaps{query}")).json()
    assert isinstance(rows, list)
    assert [row["gap_id"] for row in rows] == ids


async def test_several_venues_are_sorted_by_the_start_of_their_holes() -> None:
    """A hole found late may begin early, so no ledger is in this order by itself."""
    made = Platform(venues=("binance", "okx", "bybit"))
    order = random.Random(7)
    starts = list(range(30))
    order.shuffle(starts)
    for source, part in zip(made.sources.values(), (0, 10, 20), strict=True):
        source.ledger = [make_gap(number) for number in starts[part : part + 10]]
    async with made.served() as platform:
        rows = (await platform.get("/gaps?limit=17")).json()
    assert isinstance(rows, list)
    assert [row["gap_id"] for row in rows] == list(range(29, 12, -1))
