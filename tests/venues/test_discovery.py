"""Venues are found by their folders."""

import pytest

from headwater.core.errors import RequestError
from headwater.venues.discovery import venue, venues


def test_every_folder_is_a_venue_under_its_own_id() -> None:
    assert venues()["binance"] is venue("binance")
    assert all(found.facts.venue_id == name for name, found in venues().items())


def test_an_unknown_venue_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestError, match="binance") as caught:
        venue("mtgox")
    assert (caught.value.field, caught.value.value) == ("exchange", "mtgox")
