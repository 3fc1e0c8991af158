"""The external service is asked when it is set, and never by a simulated run."""

from tests.feeds.external_service import ExternalService, order_row

from headwater.app.external import open_external
from headwater.app.settings import load
from headwater.core.clock import ManualClock


async def test_o_s20_a_set_address_is_asked() -> None:
    async with ExternalService([order_row(1_000, 5.0)]).served() as service:
        settings = load(options={"liquidation_api_base_url": f"{service.base_url}/"})
        async with open_external(settings, ManualClock(), simulated=False) as external:
            assert external is not None
            assert [one.price for one in (await external.orders("BTCUSDT")).rows] == [5.0]
        assert service.asked == [
            ("/api/liquidation-orders", {"symbol": "BTCUSDT", "limit": "1000"})
        ]
        async with open_external(settings, ManualClock(), simulated=True) as external:
            assert external is None, "nothing of a real market beside a simulated one"


async def test_nothing_is_asked_when_none_is_set() -> None:
    async with open_external(load(), ManualClock(), simulated=False) as external:
        assert external is None
