"""The contract of a strategy: three forms, of which it writes the one that suits it.

- *signals*: `generate_signals(data)` computes the wishes of all bars at once, as columns. Fastest.
- *callbacks*: `should_open_position(data)` and `should_close_position(position, data)` are asked at
  the close of each bar.
- *events*: `on_bar`, `on_trade`, `on_liquidation`, `on_funding` hear what happens and place orders
  through the context (`context.py`).

The same class runs in a back-test, on the simulated exchanges and live. A strategy knows nothing of
cash, fees or venues, reads no clock and opens nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.growing_bars import GrowingBars
from headwater.strategies.openings import Bracket, Opening, PositionView, check_bracket
from headwater.strategies.parameters import Parameter, checked_parameters
from headwater.strategies.signals import Signals

if TYPE_CHECKING:
    from headwater.strategies.context import StrategyContext

__all__ = ["BaseStrategy", "Decision", "StrategyForm"]

Decision = tuple[bool, Any]
"""Whether to act, and with what: an opening, or the reason of a closing."""

StrategyForm = str
"""`signals`, `callbacks` or `events`."""

_EVENTS: Final = ("on_bar", "on_trade", "on_liquidation", "on_funding", "on_fill", "on_start")
_CALLBACKS: Final = ("should_open_position", "should_close_position")


class BaseStrategy:
    """Base of every strategy; a subclass overrides the methods of one form.

    Class attributes of a strategy:

    - `name`: what the registry, the command line and the API call it; else the class's own.
    - `description`: one sentence; else the first line of the class's docstring.
    - `declared`: its parameters (`parameters.py`).

    Attributes:
        params: every declared parameter with its value; read-only.

    Args:
        params: values by name; what is not given has its default.
        more: the same as keywords.

    Raises:
        RequestError: an unknown parameter, or a value that is not allowed; names it.
    """

    name: ClassVar[str] = "base"
    description: ClassVar[str] = "The contract; it never acts."
    declared: ClassVar[tuple[Parameter, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        """Gives a class that does not state them its own name and description."""
        super().__init_subclass__(**more)
        stated = vars(cls)
        if "name" not in stated:
            cls.name = cls.__name__
        if "description" not in stated:
            cls.description = (stated.get("__doc__") or "").strip().partition("\n")[0]

    def __init__(self, params: Mapping[str, Any] | None = None, **more: Any) -> None:
        if params is not None and not isinstance(params, Mapping):
            raise RequestError("params", params, "a mapping of names to values")
        self.params = checked_parameters(self.declared, {**(params or {}), **more}, self.name)
        self.check()

    def check(self) -> None:
        """Refuses combinations of parameters that make no sense; here none.

        Raises:
            RequestError: names the parameter.
        """

    @classmethod
    def get_parameters(cls) -> dict[str, dict[str, Any]]:
        """Each parameter's type, default, min, max and description, by name."""
        return {one.name: one.described() for one in cls.declared}

    @classmethod
    def form(cls) -> StrategyForm:
        """Which of the three forms the class has written: events, then callbacks, then signals."""
        for form, methods in (("events", _EVENTS), ("callbacks", _CALLBACKS)):
            if any(getattr(cls, one) is not getattr(BaseStrategy, one) for one in methods):
                return form
        return "signals"

    @property
    def lookback(self) -> int:
        """How many bars it needs before it can have a wish; 0 when it does not say."""
        return 0

    @property
    def contracts_least(self) -> int:
        """How many contracts it takes: 2 for one that plays a venue off against another."""
        return 1

    @property
    def reverses(self) -> bool:
        """Whether it may close a position and open the opposite one at the same close.

        Where it may not, the close of a bar has one action at most.
        """
        return False

    @property
    def bracket(self) -> Bracket:
        """Stop loss and take profit of every position; by default its parameters of these names."""
        return Bracket(
            stop_loss=self.params.get("stop_loss"), take_profit=self.params.get("take_profit")
        )

    def checked_bracket(self) -> Bracket:
        """The bracket, once both distances can be had by a position.

        Raises:
            RequestError: names the distance.
        """
        one = self.bracket
        check_bracket(one.stop_loss, None, self.name, is_long=True)
        check_bracket(None, one.take_profit, self.name, is_long=True)
        return one

    def enough(self, data: Any) -> Bars:
        """The data as bars, once there are as many as the look-back needs.

        Raises:
            RequestError: there are fewer; says how many it takes and why.
        """
        bars = Bars.of(data)
        if len(bars) < self.lookback:
            raise RequestError(
                "data",
                f"{len(bars)} bars",
                f"at least {self.lookback} bars: {self.name} looks back so far before it can have "
                "its first signal, so fewer can never give one",
            )
        return bars

    # --- signals ---------------------------------------------------------------------------------

    def generate_signals(self, data: Any) -> Any:
        """The wishes over a whole history.

        Args:
            data: `Bars`, or whatever `Bars.of` understands.

        Returns:
            `Signals`, or a list of `Signal` or dictionaries (`Signals.of`).

        Raises:
            RequestError: fewer bars than the look-back, or the strategy has another form.
        """
        del data
        raise RequestError("strategy", self.name, "one that writes generate_signals")

    # --- callbacks -------------------------------------------------------------------------------

    def prepare(self, data: GrowingBars) -> None:
        """Called once before the first bar, with no bar in `data` yet: keep its columns here."""

    def should_open_position(self, data: Any) -> Decision:
        """Whether to open a position after the newest bar; asked when there is none.

        Args:
            data: the bars up to now (`GrowingBars`), or whatever `Bars.of` understands.

        Returns:
            (False, None), or True and what `opening_of` understands. By default the newest bar's
            signal.
        """
        bars = data.past() if isinstance(data, GrowingBars) else Bars.of(data)
        if len(bars) < max(1, self.lookback):
            return False, None
        signals = Signals.of(self.generate_signals(bars), bars)
        for is_long, column in ((True, signals.enter_long), (False, signals.enter_short)):
            if column[-1]:
                bracket = self.bracket
                return True, Opening(
                    is_long=is_long,
                    stop_loss=bracket.stop_loss,
                    take_profit=bracket.take_profit,
                )
        return False, None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        """Whether to close the open position after the newest bar.

        Args:
            position: `PositionView`, or a dictionary with `side`.
            data: as `should_open_position`.

        Returns:
            (False, None), or True and the reason in words. By default the newest bar's signal.
        """
        held = PositionView.of(position)
        bars = data.past() if isinstance(data, GrowingBars) else Bars.of(data)
        if len(bars) < max(1, self.lookback):
            return False, None
        signals = Signals.of(self.generate_signals(bars), bars)
        leave = signals.exit_long if held.is_long else signals.exit_short
        turn = signals.enter_short if held.is_long else signals.enter_long
        wanted = bool(np.bool_(leave[-1])) or (self.reverses and bool(turn[-1]))
        return (True, "signal") if wanted else (False, None)

    # --- events ----------------------------------------------------------------------------------

    def on_start(self, context: "StrategyContext") -> None:
        """Before the first event."""

    def on_bar(self, context: "StrategyContext") -> None:
        """A bar of `context.symbol` has closed; `context.bars` ends with it."""

    def on_trade(self, context: "StrategyContext") -> None:
        """Somebody traded; `context.event` is the `Trade`."""

    def on_liquidation(self, context: "StrategyContext") -> None:
        """Somebody was liquidated; `context.event` is the `Liquidation`."""

    def on_funding(self, context: "StrategyContext") -> None:
        """Funding was settled; `context.event` is the `FundingRate`."""

    def on_fill(self, context: "StrategyContext") -> None:
        """An order of this strategy was filled in whole or in part; `context.event` says it."""
