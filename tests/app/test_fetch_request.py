"""What a venue does not offer is refused before it is asked, with the reason."""

import copy

import msgspec
import pytest

from headwater.app.fetch_request import KINDS, Kind, demand
from headwater.core.errors import NotSupported
from headwater.core.intervals import Interval
from headwater.venues.discovery import venue, venues

NOT_EVERYWHERE = (Kind.OPEN_INTEREST, Kind.MARK_CANDLES)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in NOT_EVERYWHERE])
def test_every_venue_offers_it(kind: Kind) -> None:
    for one in venues().values():
        demand(one, kind, Interval.M1)


@pytest.mark.parametrize("kind", NOT_EVERYWHERE)
def test_what_a_venue_does_not_keep_is_refused_with_the_reason(kind: Kind) -> None:
    with pytest.raises(NotSupported, match=r"hyperliquid: .+"):
        demand(venue("hyperliquid"), kind, Interval.M5)


def test_an_interval_that_is_not_offered_names_those_that_are() -> None:
    monthly = copy.copy(venue("okx"))
    monthly.facts = msgspec.structs.replace(monthly.facts, intervals=(Interval.MONTH1,))
    demand(monthly, Kind.CANDLES, Interval.MONTH3)
    with pytest.raises(NotSupported, match="okx has candles by 1M"):
        demand(monthly, Kind.CANDLES, Interval.W1)
    with pytest.raises(NotSupported, match="binance has open-interest by 5m"):
        demand(venue("binance"), Kind.OPEN_INTEREST, Interval.M1)


def test_every_kind_has_rows() -> None:
    assert set(KINDS) == set(Kind)
