"""What a callback hands over, and what it is shown."""

from typing import Any

import numpy as np
import pytest

from headwater.core.errors import RequestError
from headwater.strategies.openings import (
    Bracket,
    Opening,
    PositionView,
    check_bracket,
    opening_of,
)


@pytest.mark.parametrize(
    ("given", "opening"),
    [
        (None, Opening()),
        ("long", Opening()),
        ("short", Opening(is_long=False)),
        ({}, Opening()),
        ({"side": "sell", "stop_loss": "0.1"}, Opening(is_long=False, stop_loss=0.1)),
        ({"direction": "BUY", "take_profit": 2}, Opening(take_profit=2.0)),
        ({"size": 0.5, "reason": "dip"}, Opening(size=0.5, reason="dip")),
        (Opening(size=0.25), Opening(size=0.25)),
        (Opening(is_long=np.bool_(False)), Opening(is_long=False)),  # type: ignore[arg-type]
        (Opening(is_long=1), Opening()),  # type: ignore[arg-type]
    ],
)
def test_an_opening_is_understood(given: Any, opening: Opening) -> None:
    found = opening_of(given, "mine")
    assert found == opening
    assert type(found.is_long) is bool


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "mine='5'"), ("up", "mine: side='up'"), ({"sise": 1}, "mine: sise"),
        ({"size": 0}, "mine: size='0.0': more than 0 and at most 1"), ({"size": 1.1}, "size"),
        ({"size": "all"}, "size='all'"), ({"size": float("nan")}, "size='nan'"),
        ({"stop_loss": 1.0}, "less than 1"), ({"stop_loss": 0}, "more than 0"),
        ({"side": "short", "take_profit": 1.0}, "less than 1"),
        (Opening(stop_loss=-0.1), "stop_loss='-0.1'"),
        (Opening(is_long="short"), "mine: is_long='short': True or False"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_an_impossible_opening_is_refused_by_field(given: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        opening_of(given, "mine")


def test_a_short_position_may_have_a_stop_beyond_its_price() -> None:
    check_bracket(1.5, 0.5, "mine", is_long=False)
    check_bracket(0.5, 1.5, "mine", is_long=True)
    assert Bracket() == Bracket(stop_loss=None, take_profit=None)


def test_a_position_is_shown_with_its_profit() -> None:
    short = PositionView.of({"side": "short", "quantity": 2, "entry_price": 100})
    assert (short.side, short.is_long, short.entry_bar) == ("short", False, 0)
    assert short.unrealised(90) == 20.0
    long = PositionView(is_long=True, quantity=2, entry_price=100, entry_bar=3)
    assert PositionView.of(long) is long
    assert long.unrealised(90) == -20.0
    for bad in (None, {"side": "up"}, {"quantity": "x"}):
        with pytest.raises(RequestError):
            PositionView.of(bad)
