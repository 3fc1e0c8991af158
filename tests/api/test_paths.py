"""A slash inside a segment stays inside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.served import Platform

from headwater.api.paths import decode_path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a/b", "/a/b"),
        (b"/a/BTC%2FUSDT/1h", "/a/BTC%2FUSDT/1h"),
        (b"/a/BTC%2fUSDT%3AUSDT", "/a/BTC%2FUSDT:USDT"),
        (b"/a/%25%32%46", "/a/%2F"),
        (b"/a/%ff", "/a/\ufffd"),
        (b"/", "/"),
    ],
)
def test_each_segment_is_decoded_by_itself(raw: bytes, path: str) -> None:
    assert decode_path(raw) == path


@given(st.binary(max_size=60))
def test_the_number_of_segments_never_changes(raw: bytes) -> None:
    assert decode_path(raw).count("/") == raw.count(b"/")


@pytest.mark.parametrize(
    "symbol",
    ["BTCUSDT", "btcusdt", "BTC-USDT", "BTC%2FUSDT", "btc%2fusdt%3Ausdt", "BTC-USDT-SWAP", "BTC"],
)
async def test_every_common_spelling_of_a_symbol_is_understood(
    platform: Platform, symbol: str
) -> None:
    reply = await platform.get(f"/binance/oi/{symbol}")
    assert reply.status == 200
    assert b'"symbol":"BTCUSDT"' in reply.body


@pytest.mark.parametrize(
    "symbol", ["%00", "%ED%A0%80", "%FF", "%E2%80%AEBTC", "..%2F..", "%F0%9F%9A%80", "x" * 190, "%"]
)
async def test_a_strange_symbol_is_unknown(platform: Platform, symbol: str) -> None:
    reply = await platform.get(f"/binance/oi/{symbol}")
    assert reply.status == 404
    assert b'"code":"unknown_symbol"' in reply.body
