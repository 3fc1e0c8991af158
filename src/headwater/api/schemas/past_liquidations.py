"""Views of past liquidations from two sources: each row says which one told it (O-S20)."""

from collections.abc import Sequence

import msgspec

from headwater.api.schemas.base import iso_of
from headwater.api.schemas.liquidations import (
    DataSource,
    LiquidationSumView,
    LiquidationVolumeView,
    sum_views,
    volume_view,
)
from headwater.api.schemas.market import LiquidationView
from headwater.api.schemas.views import liquidation_view
from headwater.core.enums import Side
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.records import Liquidation
from headwater.services.past_liquidations import FoundOrders, FoundVolumes


class PastLiquidationView(LiquidationView, frozen=True, kw_only=True, gc=False):
    """A forced close of the past.

    Attributes:
        source: who told of it. An external one stands under the exchange `external`: the service
            names no venue.
    """

    source: DataSource


def past_views(found: FoundOrders) -> Sequence[PastLiquidationView]:
    """Single liquidations, newest first: ours, then those of before."""
    return [
        *(_past_view(one, "own") for one in found.own),
        *(_past_view(one, "external") for one in found.external),
    ]


def past_sum_views(found: FoundVolumes) -> Sequence[LiquidationSumView]:
    """Sums per bucket and side, oldest first; sides on which nothing was liquidated are left out.

    Of external ones neither count nor base units are known.
    """
    before = [
        LiquidationSumView(
            timestamp=iso_of(row.opened_at_ms),
            side=side,
            total_volume=usd,
            num_levels=None,
            avg_price=None,
            is_floor=True,
            source="external",
        )
        for row in found.external
        for side, usd in ((Side.BUY, row.buy_usd), (Side.SELL, row.sell_usd))
        if usd
    ]
    return [*before, *(view for row in found.own for view in sum_views(row))]


def past_volume_views(found: FoundVolumes) -> Sequence[LiquidationVolumeView]:
    """Volume per bucket, oldest first."""
    return [
        *(_external_volume_view(row) for row in found.external),
        *(volume_view(row) for row in found.own),
    ]


def _past_view(record: Liquidation, source: DataSource) -> PastLiquidationView:
    fields = msgspec.structs.asdict(liquidation_view(record))
    return PastLiquidationView(**fields, source=source)


def _external_volume_view(row: ExternalVolume) -> LiquidationVolumeView:
    return LiquidationVolumeView(
        timestamp=iso_of(row.opened_at_ms),
        buy_volume=row.buy_usd,
        sell_volume=row.sell_usd,
        total_volume=row.buy_usd + row.sell_usd,
        buy_quantity=None,
        sell_quantity=None,
        buy_count=None,
        sell_count=None,
        is_floor=True,
        source="external",
    )
