"""What the monitor watches and would have told, over HTTP."""

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.spike_past import burst_at, interest_past

from headwater.core.errors import VenueUnavailable
from headwater.core.intervals import Interval


async def test_the_rules_are_those_of_the_settings(platform: Platform) -> None:
    body = (await platform.get("/oi-vol/rules")).json()
    assert isinstance(body, dict)
    assert [(one["timeframe"], one["threshold"]) for one in body["rules"]] == [
        ("5m", 3.0),
        ("1h", 2.0),
    ]
    assert (body["symbols"], body["alerts_per_day"]) == (["BTCUSDT", "ETHUSDT"], None)


async def test_a_burst_an_hour_ago_would_have_been_told(platform: Platform) -> None:
    """Bar of 20 times the usual volume: told once, at its end, with its score."""
    platform.source.past_candles = burst_at(12)
    platform.source.past_interest = interest_past()
    path = "/oi-vol/preview?exchange=binance&symbol=btc-usdt&hours=24"
    body = (await platform.get(path)).json()
    assert isinstance(body, dict)
    (spike,) = body["spikes"]
    newest_ms = Interval.M5.opens_at_ms(NOW_MS)
    assert spike["timestamp"] == "2024-11-07T16:20:00.000Z"
    assert newest_ms - 12 * 300_000 == 1_730_996_400_000
    assert (spike["timeframe"], spike["confirmed"], spike["quote_volume"]) == ("5m", False, 2e7)
    assert spike["z_vol"] > 1000
    assert (body["bars"], body["bars_tested"], body["rule"]["threshold"]) == (288, 288, 3.0)
    # 288 bars of a day, 27 of events, 21 of the window: storage is not there, the venue is asked.
    asked = [one.split(" ")[:4] for one in platform.source.calls]
    assert asked == [
        ["candles", "BTCUSDT", "5m", "336"],
        ["open_interest_history", "BTCUSDT", "5m", "336"],
    ]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("exchange=binance&symbol=SOLUSDT", 422, "one of BTCUSDT, ETHUSDT"),
        ("exchange=binance&symbol=NOSUCH", 404, "NOSUCH"),
        ("exchange=nowhere&symbol=BTCUSDT", 404, "nowhere"),
        ("exchange=binance&symbol=BTCUSDT&timeframe=15m", 422, "one of 5m, 1h"),
        ("exchange=binance&symbol=BTCUSDT&hours=169", 422, "a whole number from 1 to 168"),
        ("exchange=binance&symbol=BTCUSDT&hours=1.5", 422, "a whole number from 1 to 168"),
        ("symbol=BTCUSDT", 422, "exchange"),
    ],
)
async def test_what_cannot_be_answered_names_the_field(
    platform: Platform, query: str, status: int, word: str
) -> None:
    reply = await platform.get(f"/oi-vol/preview?{query}")
    assert (reply.status, word in reply.body.decode()) == (status, True), reply.body


async def test_a_venue_that_is_away_is_a_clear_failure(platform: Platform) -> None:
    platform.source.error = VenueUnavailable("binance", "away")
    reply = await platform.get("/oi-vol/preview?exchange=binance&symbol=BTCUSDT")
    assert reply.status == 503
