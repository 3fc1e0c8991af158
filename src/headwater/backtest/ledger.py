"""The exact account: the cash of a run computed once more in decimals from its fills.

The drives compute with floats, because a run of a million bars has to be quick. This replays the
fills of an outcome with `Decimal` to fifty digits and says how far the floats are off: rounding,
and nothing else.
"""

from decimal import Decimal, localcontext
from typing import Final

import msgspec

from headwater.backtest.outcome import Outcome

__all__ = ["ExactAccount", "exact_account"]

_DIGITS: Final = 50


class ExactAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The account after all fills, exactly.

    Attributes:
        cash: quote currency.
        held: base units, negative for short.
        fees: paid, quote currency.
        funding: received, quote currency.
        final_equity: at the last close that was run.
        error: how far the float equity is from it, as a fraction of it (of the capital, when
            nothing is left).
    """

    cash: Decimal
    held: Decimal
    fees: Decimal
    funding: Decimal
    final_equity: Decimal
    error: float


def exact_account(outcome: Outcome, last_close: float) -> ExactAccount:
    """Replays an outcome's fills exactly.

    Args:
        outcome: of a run.
        last_close: the last close that was run, quote currency.

    Returns:
        The exact account. Prices, quantities, fees and funding are those of the fills; what is
        exact is every sum and product made of them.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        capital = Decimal(outcome.initial_capital)
        cash, held = capital, Decimal(0)
        fees = funding = Decimal(0)
        trades = outcome.trades
        for at, is_long in enumerate(trades.is_long):
            quantity = Decimal(trades.quantity[at])
            signed = quantity if is_long else -quantity
            cash -= signed * Decimal(trades.entry_price[at])
            fees += Decimal(trades.entry_fee[at])
            funding += Decimal(trades.funding[at])
            if trades.exit_bar[at] >= 0:
                cash += signed * Decimal(trades.exit_price[at])
                fees += Decimal(trades.exit_fee[at])
            else:
                held = signed
        cash += funding - fees
        equity = cash + held * Decimal(last_close)
        off = abs(Decimal(outcome.final_equity) - equity)
        return ExactAccount(
            cash=cash,
            held=held,
            fees=fees,
            funding=funding,
            final_equity=equity,
            error=float(off / max(abs(equity), capital)),
        )
