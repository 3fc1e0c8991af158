"""Parameters that several strategies have, declared once."""

from typing import Final

from headwater.strategies.parameters import Choice, Number, Parameter

__all__ = ["BOTH", "BRACKET", "DIRECTION"]

BOTH: Final = "both"
"""Value of `direction` that allows short positions."""

DIRECTION: Final = Choice(
    "direction",
    "long",
    "Which positions it may have: long only, or both long and short.",
    options=("long", BOTH),
)

BRACKET: Final[tuple[Parameter, ...]] = (
    Number(
        "stop_loss",
        None,
        "Loss at which a position is closed, as a fraction of its entry price; none: no stop.",
        least=0.0001,
        most=0.99,
    ),
    Number(
        "take_profit",
        None,
        "Gain at which a position is closed, as a fraction of its entry price; none: no target.",
        least=0.0001,
        most=10.0,
    ),
)
"""Stop loss and take profit, both off unless they are given."""
