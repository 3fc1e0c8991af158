"""Facts of one contract as the paper venue needs them, and their integer scale.

Inside the venue a price is a whole number of ticks, a quantity a whole number of steps and money a
whole number of atto (10⁻¹⁸) units of the settlement currency: exact, and faster than decimals.
Rounding of money is always against the account and only below 10⁻¹⁸.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import ceil, floor, isfinite
from typing import Self

import msgspec

from headwater.core.errors import RequestError
from headwater.core.instruments import Instrument
from headwater.core.margin_tiers import MarginTier
from headwater.core.order_kinds import MarginMode

ATTO = 10**18
"""Money units of one unit of the settlement currency."""

_EXACT = Context(prec=200)
_OFF_GRID = 1e-6
_FLOAT_EXACT = 10**15


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Fees of one contract, as fractions of the notional; rebates are negative.

    Attributes:
        maker: of fills that met a resting order of ours.
        taker: of fills that took liquidity.
        liquidation: of a forced close, at most what is left of the margin.
    """

    maker: Decimal
    taker: Decimal
    liquidation: Decimal = Decimal(0)


class PaperContract(msgspec.Struct, frozen=True, kw_only=True):
    """One linear contract with the account's own settings for it.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        price_tick: smallest price step, > 0. For data without a grid a very fine one (10⁻¹²).
        quantity_step: smallest quantity step, base units, > 0.
        fees: no default: a run without stated fees is worth nothing.
        min_quantity: smallest order, base units; None without a limit.
        min_notional: smallest order, quote currency; None without a limit. Not asked of
            reduce-only orders.
        leverage: entry notional over initial margin, in [1, max_leverage].
        max_leverage: the venue's highest.
        margin_mode: isolated or cross.
        tiers: maintenance margin by notional (`analytics.margin.build_tiers`), ascending. Empty:
            no maintenance margin, so that a position is liquidated when its margin is used up.
        is_fee_demanded: whether the taker fee is part of the maintenance margin.
    """

    exchange: str
    symbol: str
    price_tick: Decimal
    quantity_step: Decimal
    fees: FeeSchedule
    min_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    leverage: Decimal = Decimal(1)
    max_leverage: Decimal = Decimal(125)
    margin_mode: MarginMode = MarginMode.CROSS
    tiers: tuple[MarginTier, ...] = ()
    is_fee_demanded: bool = False

    @classmethod
    def of_instrument(
        cls,
        instrument: Instrument,
        fees: FeeSchedule,
        *,
        leverage: Decimal = Decimal(1),
        margin_mode: MarginMode = MarginMode.CROSS,
        tiers: tuple[MarginTier, ...] = (),
        is_fee_demanded: bool = False,
    ) -> Self:
        """The contract of a listed instrument.

        Args:
            instrument: tick, step and smallest order are taken from it.
            fees: of the account on that venue.
            leverage: wanted; the highest is that of the first tier, or 125 without tiers.
            margin_mode: isolated or cross.
            tiers: of the contract, ascending.
            is_fee_demanded: see the class.

        Raises:
            RequestError: an inverse contract, or a leverage that the tiers do not allow.
        """
        if not instrument.is_linear:
            raise RequestError("symbol", instrument.symbol, "a linear contract")
        contract = cls(
            exchange=instrument.exchange,
            symbol=instrument.symbol,
            price_tick=instrument.price_tick,
            quantity_step=instrument.quantity_step,
            fees=fees,
            min_quantity=instrument.min_quantity,
            min_notional=instrument.min_notional,
            leverage=leverage,
            max_leverage=Decimal(str(tiers[0].leverage_max)) if tiers else Decimal(125),
            margin_mode=margin_mode,
            tiers=tiers,
            is_fee_demanded=is_fee_demanded,
        )
        check_contract(contract)
        return contract


def check_contract(contract: PaperContract) -> PaperContract:
    """Passes on a contract whose facts make sense.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    for field in ("price_tick", "quantity_step"):
        value: Decimal = getattr(contract, field)
        if not (value.is_finite() and value > 0):
            raise RequestError(field, value, "a finite number above 0")
    for field in ("min_quantity", "min_notional"):
        limit: Decimal | None = getattr(contract, field)
        if limit is not None and not (limit.is_finite() and limit >= 0):
            raise RequestError(field, limit, "0 or more, or none")
    if not 1 <= contract.leverage <= contract.max_leverage:
        raise RequestError("leverage", contract.leverage, f"1 to {contract.max_leverage}")
    for field in ("maker", "taker", "liquidation"):
        rate: Decimal = getattr(contract.fees, field)
        if not -1 < rate < 1:
            raise RequestError(f"fees.{field}", rate, "a fraction between -1 and 1")
    return contract


def exact(value: Decimal | float) -> Decimal:
    """The decimal that a number is written as: 0.1 gives 0.1, not its binary neighbour.

    Raises:
        RequestError: infinite or not a number.
    """
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not number.is_finite():
        raise RequestError("value", value, "a finite number")
    return number


def money(atto: int) -> Decimal:
    """Money for the outside: exact, without needless zeros."""
    amount = _EXACT.normalize(_EXACT.scaleb(Decimal(atto), -18))
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        return _EXACT.quantize(amount, Decimal(1))
    return amount


def atto_of(amount: Decimal, *, up: bool = False) -> int:
    """Money for the inside, rounded down (or up) below 10⁻¹⁸."""
    scaled = _EXACT.scaleb(amount, 18)
    return int(scaled.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR, _EXACT))


class Scale:
    """The integer scale of one contract.

    Args:
        price_tick: quote currency per base unit.
        quantity_step: base units.

    Attributes:
        tick_n: numerator of the tick, `tick_d` its denominator, in lowest terms.
        unit_n: atto money in one tick × one step is `unit_n` / `unit_d`.
        ticks_max: so many ticks and more are not told apart by their floats.
    """

    __slots__ = (
        "step", "step_d", "step_n", "tick", "tick_d", "tick_n", "ticks_max", "unit_d", "unit_n",
    )  # fmt: skip

    def __init__(self, price_tick: Decimal, quantity_step: Decimal) -> None:
        self.tick = price_tick
        self.step = quantity_step
        self.tick_n, self.tick_d = price_tick.as_integer_ratio()
        self.step_n, self.step_d = quantity_step.as_integer_ratio()
        unit = _EXACT.scaleb(_EXACT.multiply(price_tick, quantity_step), 18)
        self.unit_n, self.unit_d = unit.as_integer_ratio()
        digits = int("".join(map(str, price_tick.as_tuple().digits)))
        self.ticks_max = _FLOAT_EXACT // digits

    def price(self, ticks: int) -> Decimal:
        """Price of a number of ticks."""
        return _EXACT.multiply(self.tick, Decimal(ticks))

    def quantity(self, lots: int) -> Decimal:
        """Quantity of a number of steps."""
        return _EXACT.multiply(self.step, Decimal(lots))

    def float_price(self, ticks: int) -> float:
        """The float nearest to the price: equal to that of the same decimal text in the data."""
        return ticks * self.tick_n / self.tick_d

    def float_quantity(self, lots: int) -> float:
        """The float nearest to the quantity."""
        return lots * self.step_n / self.step_d

    def ticks_of(self, price: Decimal, *, up: bool) -> int:
        """Whole ticks in an exact price, rounded up or down."""
        numerator, denominator = price.as_integer_ratio()
        top, bottom = numerator * self.tick_d, denominator * self.tick_n
        return -(-top // bottom) if up else top // bottom

    def lots_of(self, quantity: Decimal) -> int:
        """Whole steps in an exact quantity, rounded down."""
        numerator, denominator = quantity.as_integer_ratio()
        return numerator * self.step_d // (denominator * self.step_n)

    def market_ticks(self, price: float, *, up: bool) -> int:
        """Ticks of a market price; one within a millionth of a tick of the grid is on the grid."""
        ratio = price * self.tick_d / self.tick_n
        nearest = round(ratio)
        if abs(ratio - nearest) <= _OFF_GRID:
            return nearest
        return ceil(ratio) if up else floor(ratio)

    def whole_ticks(self, price: float) -> int | None:
        """Ticks whose price is `exact(price)`; None where that is not known without looking.

        A decimal of at most 15 digits is the one that its nearest float is written as, so a float
        equal to that of a number of ticks is those ticks.
        """
        ticks = round(price * self.tick_d / self.tick_n)
        if ticks < self.ticks_max and ticks * self.tick_n / self.tick_d == price:
            return ticks
        return None

    def value(self, lots: int, price: float) -> int:
        """Atto money of so many steps at a market price as it is written, rounded down."""
        ticks = self.whole_ticks(price)
        if ticks is not None:
            return self.notional(lots * ticks)
        top, bottom = exact(price).as_integer_ratio()
        return lots * self.step_n * top * ATTO // (self.step_d * bottom)

    def market_lots(self, quantity: float) -> int:
        """Whole steps in a market quantity, rounded down; infinite and unknown ones give 0."""
        ratio = quantity * self.step_d / self.step_n
        return floor(ratio + _OFF_GRID) if isfinite(ratio) else 0

    def notional(self, units: int) -> int:
        """Atto money in a number of ticks × steps, rounded down."""
        return units * self.unit_n // self.unit_d
