"""Statistics of the feeds over HTTP."""

import pytest
from tests.api.routes.test_liquidations import rows_of, stored
from tests.api.served import Platform

__all__ = ["stored"]


async def test_every_venue_has_an_entry_with_or_without_events(stored: Platform) -> None:
    rows = await rows_of(stored, "/liquidations/feeds?symbol=BTCUSDT")
    assert [(row["exchange"], row["count"], row["floor_share"]) for row in rows] == [
        ("binance", 1, 1.0),
        ("bybit", 3, 0.0),
        ("okx", 0, None),
    ]
    assert rows[1]["total_volume"] == 67_100.0 + 67_190.0 + 67_300.0
    assert (rows[1]["holes"], rows[1]["missing_s"], rows[2]["first_time"]) == (0, 0.0, None)
    assert rows[1]["heard_since"] is None, "its rows were put there, not heard"
    (only,) = await rows_of(stored, "/liquidations/feeds?symbol=BTC&exchanges=bybit")
    assert only["last_time"] > only["first_time"]
    assert only["completeness"] == "unknown", "the venue in memory does not say"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("?symbol=NOPEUSDT", 404),
        ("?symbol=BTC&exchanges=ftx", 422),
        ("?symbol=BTC&x=1", 422),
    ],
)
async def test_bad_input_is_refused(stored: Platform, query: str, status: int) -> None:
    assert (await stored.get(f"/liquidations/feeds{query}")).status == status


async def test_where_nothing_is_stored_it_says_so(platform: Platform) -> None:
    reply = await platform.get("/liquidations/feeds?symbol=BTCUSDT")
    assert reply.status == 404
    assert b"stores nothing" in reply.body
