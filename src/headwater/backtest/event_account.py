"""The paper account of an event run: contracts, cash and how orders fill."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.venue_fees import VenueFees
from headwater.core.errors import RequestError
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import (
    ExitRule,
    FillAssumptions,
    MarketTiming,
    SlippageModel,
)
from headwater.trading.paper_contract import FeeSchedule, PaperContract

__all__ = ["FINE_GRID", "EventAccount"]

FINE_GRID: Final = Decimal("1e-12")
"""Tick and step where the assumptions know no grid."""

_BPS: Final = Decimal(10_000)


class EventAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What an event run trades with.

    Attributes:
        contracts: one for each pair of streams, in their order.
        cash: at the start, settlement currency, > 0.
        fills: how orders fill.
        currency: settlement currency of all contracts.
    """

    contracts: tuple[PaperContract, ...]
    cash: Decimal
    fills: FillAssumptions = FillAssumptions()
    currency: str = "USDT"

    @classmethod
    def of(
        cls,
        rules: Assumptions,
        names: Sequence[tuple[str, str]],
        fees: Mapping[str, VenueFees] = MappingProxyType({}),
    ) -> "EventAccount":
        """The account that the assumptions of a back-test describe.

        Its one fee holds for makers and takers of every venue that has none of its own.
        Exits fill as in the other drives: stop before target, take-profits without slippage.

        Args:
            rules: checked.
            names: (exchange, symbol) of each contract.
            fees: a venue's own, by its id.
        """
        return cls(
            contracts=tuple(
                _contract(rules, exchange, symbol, fees.get(exchange)) for exchange, symbol in names
            ),
            cash=_exact(rules.initial_capital),
            fills=FillAssumptions(
                timing=MarketTiming.NEXT_EVENT
                if rules.fill is FillRule.NEXT_OPEN
                else MarketTiming.SAME_CLOSE,
                slippage=SlippageModel.FIXED_BPS if rules.slippage_rate else SlippageModel.NONE,
                slippage_amount=_exact(rules.slippage_rate) * _BPS,
                is_zero_volume_tradable=True,
                exits=ExitRule.STOP_FIRST,
            ),
        )

    def venue(self) -> PaperVenue:
        """A fresh paper venue with this account.

        Raises:
            RequestError: no contract, or a fact or assumption out of its range.
        """
        if not self.contracts:
            raise RequestError("contracts", 0, "at least one")
        if not (self.cash.is_finite() and self.cash > 0):
            raise RequestError("cash", self.cash, "an amount above 0")
        return PaperVenue(self.contracts, self.cash, self.currency, self.fills)


def _contract(
    rules: Assumptions, exchange: str, symbol: str, fees: VenueFees | None
) -> PaperContract:
    maker = taker = _exact(rules.fee_rate)
    if fees is not None:
        maker, taker = _exact(fees.maker_rate), _exact(fees.taker_rate)
    forced = taker + _exact(rules.liquidation_fee_rate)
    leverage = _exact(rules.leverage)
    highest = max((_exact(one.leverage_max) for one in rules.tiers), default=Decimal(200))
    return PaperContract(
        exchange=exchange,
        symbol=symbol,
        price_tick=_exact(rules.price_tick) if rules.price_tick else FINE_GRID,
        quantity_step=_exact(rules.quantity_step) if rules.quantity_step else FINE_GRID,
        fees=FeeSchedule(maker=maker, taker=taker, liquidation=forced),
        min_notional=_exact(rules.min_notional) if rules.min_notional else None,
        leverage=leverage,
        max_leverage=max(highest, leverage),
        margin_mode=rules.margin_mode,
        tiers=rules.tiers,
    )


def _exact(value: float) -> Decimal:
    return Decimal(repr(float(value)))
