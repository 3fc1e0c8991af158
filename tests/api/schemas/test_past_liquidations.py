"""Views of two sources: each row says whose it is, and nothing is made up."""

from tests.services.test_liquidation_history import START_MS, forced

from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.api.schemas.past_liquidations import past_sum_views, past_views, past_volume_views
from headwater.core.enums import Side
from headwater.core.external_liquidations import ExternalVolume
from headwater.services.past_liquidations import FoundOrders, FoundVolumes

OWN = LiquidationVolume(
    opened_at_ms=START_MS,
    buy_usd=0.0,
    sell_usd=8.0,
    buy_quantity=0.0,
    sell_quantity=4.0,
    buy_count=0,
    sell_count=2,
    is_floor=False,
)
FOUND = FoundVolumes(
    own=[OWN],
    external=[ExternalVolume(opened_at_ms=START_MS - 60_000, buy_usd=3.0, sell_usd=0.0)],
)


def test_single_ones_newest_first() -> None:
    found = FoundOrders(own=[forced(5)], external=[forced(1, exchange="external")])
    views = past_views(found)
    assert [(one.source, one.exchange) for one in views] == [
        ("own", "bybit"),
        ("external", "external"),
    ]
    assert views[0].timestamp > views[1].timestamp


def test_of_external_sums_neither_count_nor_base_units_are_known() -> None:
    """8 USD over 4 base units are 2 each; the service's side without a liquidation has no row."""
    before, own = past_sum_views(FOUND)
    assert (before.side, before.total_volume, before.source) == (Side.BUY, 3.0, "external")
    assert (before.num_levels, before.avg_price, before.is_floor) == (None, None, True)
    assert (own.side, own.avg_price, own.num_levels, own.source) == (Side.SELL, 2.0, 2, "own")


def test_volume_is_oldest_first() -> None:
    before, own = past_volume_views(FOUND)
    assert (before.buy_volume, before.total_volume, before.is_floor) == (3.0, 3.0, True)
    assert {before.buy_quantity, before.sell_quantity, before.buy_count, before.sell_count} == {
        None
    }
    assert (before.source, own.source) == ("external", "own")
    assert before.timestamp < own.timestamp
