"""Live open interest by the minute."""

import msgspec
import pytest

from headwater.core.records import OpenInterest
from headwater.services import oi_samples
from headwater.services.oi_samples import MINUTES_KEPT, OpenInterestSamples

_START_MS = 1_700_000_040_000


def _reading(timestamp_ms: int, symbol: str = "BTCUSDT") -> OpenInterest:
    return OpenInterest(
        exchange="hyperliquid",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=timestamp_ms,
        received_ns=0,
        open_interest=float(timestamp_ms - _START_MS),
        value=None,
    )


def test_of_each_minute_the_newest_at_or_before_its_end() -> None:
    samples = OpenInterestSamples()
    samples.note(_reading(_START_MS))
    assert samples.of("hyperliquid", "BTCUSDT") == {}
    assert samples.want("hyperliquid", "BTCUSDT")
    for shift_ms in (30_000, 59_000, 58_000, 60_000, 60_001, 119_999):
        samples.note(_reading(_START_MS + shift_ms))
    samples.note(_reading(_START_MS + 30_000, "ETHUSDT"))
    kept = samples.of("hyperliquid", "BTCUSDT")
    assert {minute - _START_MS: row.open_interest for minute, row in kept.items()} == {
        60_000: 60_000.0,
        120_000: 119_999.0,
    }
    assert samples.of("hyperliquid", "ETHUSDT") == {}


def test_minutes_and_instruments_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = OpenInterestSamples()
    samples.want("hyperliquid", "BTCUSDT")
    for minute in range(50):
        samples.note(_reading(_START_MS + minute * 60_000))
    assert len(samples.of("hyperliquid", "BTCUSDT")) == MINUTES_KEPT
    old = msgspec.structs.replace(_reading(_START_MS), open_interest=1.0)
    samples.note(old)
    assert old not in samples.of("hyperliquid", "BTCUSDT").values()
    monkeypatch.setattr(oi_samples, "INSTRUMENTS_MAX", 1)
    assert samples.want("hyperliquid", "BTCUSDT")
    assert not samples.want("hyperliquid", "ETHUSDT")
