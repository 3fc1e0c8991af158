"""Past trades: whole where the venue counts them, elsewhere the newest page and a word about it."""

import msgspec
import pytest
from tests.app.staged_download import staged

from headwater.api.schemas.base import iso_of
from headwater.api.schemas.market import TradeView
from headwater.app.fetch_request import Kind
from headwater.app.row_files import Reached
from headwater.venues.discovery import venues

VENUES = pytest.mark.parametrize("name", list(venues()))


@VENUES
async def test_trades_go_as_far_back_as_the_venue_does(name: str) -> None:
    async with staged(name) as stage:
        prints = [made.trade for made in stage.market.prints("BTCUSDT", limit=2_000)]
        counted = name == "binance"
        since, until = prints[300].timestamp_ms, prints[-1].timestamp_ms
        request = stage.request(Kind.TRADES, since_ms=since, until_ms=until)
        rows = await stage.rows(request)
        assert all(isinstance(row, TradeView) for row in rows)
        if counted:
            assert [row.price for row in rows if isinstance(row, TradeView)] == [
                one.price for one in prints if one.timestamp_ms >= since
            ]
            assert stage.told == []
        else:
            assert rows
            assert "older ones are missing" in stage.told[0]
        newest = await stage.rows(stage.request(Kind.TRADES, limit=10, until_ms=until))
        assert newest == rows[-10:]
        cut = rows[-20]
        assert isinstance(cut, TradeView)
        moment_ms = next(
            one.timestamp_ms
            for one in reversed(prints)
            if cut.timestamp == iso_of(one.timestamp_ms)
        )
        same = [
            row.trade_id
            for row in rows[:-19]
            if isinstance(row, TradeView) and row.timestamp == cut.timestamp
        ]
        reached = Reached(moment_ms=moment_ms, ids=frozenset(same))
        assert (await stage.rows(msgspec.structs.replace(request, reached=reached))) == rows[-19:]
