"""Open interest, now and past."""

from tests.api.served import Platform


async def test_now_with_a_value_the_venue_does_not_tell(platform: Platform) -> None:
    body = (await platform.get("/binance/oi/ETHUSDT")).json()
    assert isinstance(body, dict)
    assert (body["symbol"], body["open_interest"]) == ("ETHUSDT", 80000.5)
    assert body["open_interest_value"] is None


async def test_history_has_its_own_defaults(platform: Platform) -> None:
    rows = (await platform.get("/binance/oi-hist/BTCUSDT")).json()
    assert isinstance(rows, list)
    assert len(rows) == 30
    await platform.get("/binance/oi-hist/BTCUSDT?period=1h&limit=500&start_time=0")
    assert platform.source.calls == [
        "open_interest_history BTCUSDT 5m 30 None None",
        "open_interest_history BTCUSDT 1h 500 0 None",
    ]
