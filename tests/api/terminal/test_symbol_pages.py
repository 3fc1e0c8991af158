"""Encoded lists of symbols."""

import msgspec
from tests.services.symbol_market import contract, ticker

from headwater.api.terminal.symbol_pages import SymbolPages
from headwater.core.instruments import InstrumentTable
from headwater.services.fallback_symbols import fallback_list
from headwater.services.listed_symbols import SymbolList, listed_symbols, symbol_list


def listing(exchange: str, version: int, **volumes: float) -> SymbolList:
    contracts = [contract(name, exchange=exchange) for name in volumes]
    told = [
        ticker(one, last=1.0, quote_volume_24h=volume)
        for one, volume in zip(contracts, volumes.values(), strict=True)
    ]
    rows = listed_symbols(InstrumentTable(exchange, contracts), told, is_stale=False)
    return symbol_list(exchange, version, rows)


async def bases(pages: SymbolPages, *lists: SymbolList) -> list[tuple[str, str]]:
    rows = msgspec.json.decode(await pages.body(lists))
    return [(row["exchange"], row["baseAsset"]) for row in rows]


async def test_o_r1_several_venues_are_merged_by_volume_unknown_last() -> None:
    pages = SymbolPages()
    one, other = listing("one", 1, A=5.0, B=1.0), listing("other", 2, C=3.0, D=0.0)
    away = fallback_list("away", "is down")
    found = await bases(pages, away, one, other)
    assert found[:4] == [("one", "A"), ("other", "C"), ("one", "B"), ("other", "D")]
    assert found[4:] == [("away", row.base_asset) for row in away.rows]


async def test_a_list_is_encoded_once_and_a_new_one_anew() -> None:
    pages = SymbolPages()
    first = listing("one", 1, A=5.0, B=1.0)
    assert await pages.body([first]) == await pages.body([first])
    kept = pages._pages["one"]
    await bases(pages, first, listing("other", 2, C=3.0))
    assert pages._pages["one"] is kept
    assert await bases(pages, listing("one", 3, Z=1.0)) == [("one", "Z")]
    assert pages._pages["one"] is not kept


async def test_no_venue_is_an_empty_list() -> None:
    assert await SymbolPages().body([]) == b"[]"
