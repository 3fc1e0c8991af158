"""The view of what a venue expects of the coming funding (requirements T-R10, T-M7)."""

from collections.abc import Sequence

from headwater.api.schemas.base import IsoTime, View, iso_or_none
from headwater.core.records import PredictedFunding


class PredictedVenueFundingView(View, frozen=True, kw_only=True):
    """The funding expected of one coin on one venue.

    Attributes:
        venue: the publisher's name of it: `HlPerp`, `BinPerp`, `BybitPerp`.
        funding_rate: fraction per interval; positive: longs pay shorts.
        next_funding_time: time of the settlement, UTC.
        interval_h: hours between settlements.
    """

    venue: str
    funding_rate: float | None
    next_funding_time: IsoTime | None
    interval_h: float | None


class PredictedFundingView(View, frozen=True, kw_only=True):
    """The funding expected of one coin, by venue. `null` means that the publisher does not say.

    Attributes:
        coin: the publisher's name of it.
        symbol: canonical symbol of its contract.
        venues: one entry for each venue that the publisher speaks of.
    """

    coin: str
    symbol: str
    venues: tuple[PredictedVenueFundingView, ...]


def predicted_funding_views(records: Sequence[PredictedFunding]) -> list[PredictedFundingView]:
    """The records grouped by coin, in the order of the coins' first appearance."""
    coins: dict[str, list[PredictedFunding]] = {}
    for record in records:
        coins.setdefault(record.native_symbol, []).append(record)
    return [
        PredictedFundingView(
            coin=coin, symbol=rows[0].symbol, venues=tuple(_venue_view(row) for row in rows)
        )
        for coin, rows in coins.items()
    ]


def _venue_view(record: PredictedFunding) -> PredictedVenueFundingView:
    return PredictedVenueFundingView(
        venue=record.venue,
        funding_rate=record.rate,
        next_funding_time=iso_or_none(record.next_funding_ms),
        interval_h=record.interval_h,
    )
