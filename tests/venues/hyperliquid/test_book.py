"""Hyperliquid's books are images: there is nothing to miss."""

from typing import Any

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.hyperliquid.book import HyperliquidBookRule
from headwater.venues.messages import Verdict

HEAD: dict[str, Any] = {
    "exchange": "hyperliquid", "symbol": "BTCUSDT", "native_symbol": "BTC", "timestamp_ms": 1,
    "received_ns": 1, "bids": (), "asks": (),
}  # fmt: skip


def test_an_image_is_always_right_and_a_change_never() -> None:
    """Nothing on this venue sends changes: one that comes is not of this book."""
    rule = HyperliquidBookRule()
    rule.on_snapshot(BookSnapshot(**HEAD, sequence=None))
    assert rule.on_delta(BookDelta(**HEAD, sequence=1)) is Verdict.GAP
