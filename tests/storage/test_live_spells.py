"""Stored spells: the longest telling of each stays, and a new one stands beside it."""

from tests.storage.samples import T0, fetch, live_spell, store_together

from headwater.core.enums import Channel
from headwater.storage.base import Database, Span
from headwater.storage.live_spells import between


def test_a_spell_only_grows(database: Database) -> None:
    longer = live_spell(until_ms=T0 + 9, last_sequence=7)
    for told in (live_spell(), longer, live_spell()):
        store_together(database, [told])
    assert fetch(database, between(Span(), exchange="okx")) == [longer]


def test_spells_are_chosen_by_stream(database: Database) -> None:
    other = live_spell(T0 + 100, channel=Channel.LIQUIDATIONS, symbol="*", native_symbol="*")
    later = live_spell(T0 + 200)
    store_together(database, [live_spell(), other, later, live_spell(exchange="bybit")])
    newest = Span(newest_first=True)
    assert fetch(database, between(newest, exchange="okx")) == [later, other, live_spell()]
    assert fetch(database, between(newest, exchange="okx", symbol="*")) == [other]
    found = fetch(database, between(newest, exchange="okx", channel=Channel.TRADES))
    assert found == [later, live_spell()]
