"""Fees of the venues: there for each of them, plausible, an unknown one is named."""

import pytest

from headwater.backtest.venue_fees import (
    DEFAULT_EXCHANGE,
    VENUE_FEES,
    taker_fee_rate,
    venue_fees,
)
from headwater.core.errors import RequestError
from headwater.venues.discovery import venues


def test_every_venue_with_a_folder_has_fees() -> None:
    assert set(VENUE_FEES) == set(venues())


def test_the_default_is_a_taker_of_binance() -> None:
    assert taker_fee_rate(DEFAULT_EXCHANGE) == 0.0005
    assert taker_fee_rate(" Bybit ") == 0.00055


@pytest.mark.parametrize("exchange", sorted(VENUE_FEES))
def test_takers_pay_more_than_makers_and_the_source_is_told(exchange: str) -> None:
    fees = venue_fees(exchange)
    assert 0 <= fees.maker_rate < fees.taker_rate < 0.001
    assert fees.source


def test_an_unknown_venue_is_named_with_those_that_are_known() -> None:
    with pytest.raises(RequestError, match=r"mtgox.*binance, bybit, okx, hyperliquid"):
        taker_fee_rate("mtgox")
