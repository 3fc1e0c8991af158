"""The gap ledger."""

import pytest
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
