"""A platform whose venue has a past of open interest and funding, and addresses of layouts."""

from collections.abc import Sequence
from typing import Final

import msgspec
from tests.api.fake_source import (
    NOW_MS,
    FakeSource,
    make_funding_rate,
    make_mark_price,
    make_open_interest,
)
from tests.api.served import Platform
from tests.dashboard.layouts import layout_text

from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import FundingRate, MarkPrice, OpenInterest

SETTLED_EVERY_MS: Final = 8 * 3_600_000
READINGS: Final = 1_200
"""Readings of open interest that the venue has, the newest."""


class PastSource(FakeSource):
    """A venue with a past: readings of each period, settlements every eight hours."""

    def __init__(self, venue_id: str = "binance", symbols: Sequence[str] = ()) -> None:
        super().__init__(venue_id, symbols)
        self.offer_everything()

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """The newest `limit` of `READINGS` that end in time."""
        await self._asked(f"open_interest_history {period} {limit} {end_ms}")
        last = NOW_MS - NOW_MS % period.nominal_ms
        found = [
            msgspec.structs.replace(
                make_open_interest(instrument.symbol),
                timestamp_ms=last - back * period.nominal_ms,
                open_interest=80_000.5 - back % 37 * 11.25,
                value=8e9 - back % 41 * 1e6,
            )
            for back in range(READINGS - 1, -1, -1)
        ]
        return [one for one in found if end_ms is None or one.timestamp_ms <= end_ms][-limit:]

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """The newest `limit` of thirty settlements that end in time."""
        await self._asked(f"funding_history {limit} {end_ms}")
        last = NOW_MS - NOW_MS % SETTLED_EVERY_MS
        found = [
            msgspec.structs.replace(
                make_funding_rate(instrument.symbol),
                timestamp_ms=last - back * SETTLED_EVERY_MS,
                funding_time_ms=last - back * SETTLED_EVERY_MS,
                rate=0.0001 + back % 5 * 0.00002,
            )
            for back in range(29, -1, -1)
        ]
        return [one for one in found if end_ms is None or one.funding_time_ms <= end_ms][-limit:]


class PastPlatform(Platform):
    """A platform over such venues."""

    source_type = PastSource


def mark_at(after_ms: int, mark: float, index: float | None) -> MarkPrice:
    """A mark price so long after now."""
    return msgspec.structs.replace(
        make_mark_price(), timestamp_ms=NOW_MS + after_ms, mark=mark, index=index
    )


def view_of(*panels: tuple[str, dict[str, str]], market: str = "binance/BTCUSDT/5m") -> str:
    """The part of an address after `#`: a market, and panels below each other."""
    layout = [
        {"id": f"{kind}-{at}", "kind": kind, "x": 0, "y": 9 * at, "w": 12, "h": 9, "settings": some}
        for at, (kind, some) in enumerate(panels)
    ]
    return f"#{market}?layout={layout_text(layout)}"
