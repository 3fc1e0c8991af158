"""Parameters that several strategies share."""

import pytest

from headwater.core.errors import RequestError
from headwater.strategies.parameters import checked_parameters
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION


def test_long_without_stop_or_target_is_the_default() -> None:
    params = checked_parameters((DIRECTION, *BRACKET), {}, "any")
    assert dict(params) == {"direction": "long", "stop_loss": None, "take_profit": None}
    assert DIRECTION.read("BOTH") == BOTH


def test_a_stop_of_everything_is_refused() -> None:
    for name in ("stop_loss", "take_profit"):
        for value in (0, -0.1, 11):
            with pytest.raises(RequestError, match=name):
                checked_parameters(BRACKET, {name: value}, "any")
