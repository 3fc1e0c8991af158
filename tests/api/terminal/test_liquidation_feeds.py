"""The hand-over from past to live: what is news is told apart by the key of the database (A3)."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS

from headwater.api.terminal.liquidation_feeds import news_of
from headwater.core.records import Liquidation
from headwater.services.past_liquidations import key_of_event


@given(EVENTS, st.data())
def test_what_the_past_has_is_no_news(events: list[Liquidation], data: st.DataObject) -> None:
    """For any split of events into known and new ones: known ones go, whenever they were received.

    The new ones stay, all of them, in their order.
    """
    known = [one for one in events if data.draw(st.booleans())]
    keys = {key_of_event(one) for one in known}
    heard = [msgspec.structs.replace(one, received_ns=one.received_ns + 1) for one in events]
    assert news_of(heard, known) == [one for one in heard if key_of_event(one) not in keys]


@given(EVENTS.filter(bool), st.data())
def test_every_part_of_the_key_counts(events: list[Liquidation], data: st.DataObject) -> None:
    one = events[0]
    name, value = data.draw(
        st.sampled_from(
            [
                ("exchange", "deribit"),
                ("timestamp_ms", one.timestamp_ms + 1),
                ("price", one.price + 1.0),
                ("quantity", one.quantity * 2 + 1.0),
                ("order_id", "7"),
            ]
        )
    )
    other = msgspec.structs.replace(one, **{name: value})
    assert news_of([one, other], [one]) == [other]
    assert news_of([one, one], []) == [one, one], "equal ones that are news stay (O-D7)"
