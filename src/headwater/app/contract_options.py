"""What commands that run strategies are told of the contract: steps, margin tiers, their fees."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from headwater.app.run_options import CostsWanted, assumptions_of, named_options
from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.core.errors import RequestError
from headwater.core.instruments import canonical_spelling

__all__ = ["ContractWanted", "costs_told", "with_contract"]

QuantityStep = Annotated[
    float, typer.Option(help="Quantities are cut to its multiples, base units; 0: not at all.")
]
PriceTick = Annotated[
    float, typer.Option(help="Stops and targets lie on its multiples, quote currency.")
]
MinNotional = Annotated[
    float, typer.Option(help="Smallest value of an order, quote currency; smaller are refused.")
]
Tiers = Annotated[
    str,
    typer.Option(
        help="Margin tiers: a JSON file, or `shipped` for the copy of --exchange and --symbol "
        "that ships with the program; without any, nothing is liquidated.",
    ),
]
LiquidationFeeBps = Annotated[
    float, typer.Option(help="Further fee of a liquidation, hundredths of a percent.")
]

_BPS: Final = 10_000.0
_OPTIONS: Final = {
    "quantity_step": "--quantity-step",
    "price_tick": "--price-tick",
    "min_notional": "--min-notional",
    "liquidation_fee_rate": "--liquidation-fee-bps",
    "leverage": "--leverage",
}


class ContractWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the contract of a run demands, in the units of the options.

    Attributes:
        quantity_step: base units; 0 for none.
        price_tick: quote currency; 0 for none.
        min_notional: quote currency; 0 for none.
        tiers: `shipped`, a file, or empty for none.
        liquidation_fee_bps: of the value, ≥ 0.
        exchange: venue id, of tiers that ship.
        symbol: in any common spelling, of tiers that ship.
    """

    quantity_step: float = 0.0
    price_tick: float = 0.0
    min_notional: float = 0.0
    tiers: str = ""
    liquidation_fee_bps: float = 0.0
    exchange: str = ""
    symbol: str = ""


def with_contract(assumptions: Assumptions, wanted: ContractWanted) -> Assumptions:
    """The assumptions with what the contract demands.

    Raises:
        ConfigError: a number that no contract has, or tiers that are none; names the option.
    """

    def option(field: str) -> str:
        return _OPTIONS.get(field, f"--{field}")

    with named_options(option):
        if wanted.liquidation_fee_bps and not wanted.tiers:
            raise RequestError(
                "liquidation_fee_rate",
                wanted.liquidation_fee_bps,
                "0 without --tiers: nothing is liquidated",
            )
        found = msgspec.structs.replace(
            assumptions,
            quantity_step=wanted.quantity_step,
            price_tick=wanted.price_tick,
            min_notional=wanted.min_notional,
            liquidation_fee_rate=wanted.liquidation_fee_bps / _BPS,
        ).checked()
        if not wanted.tiers:
            return found
        from headwater.backtest.tier_rows import SHIPPED, shipped_rows, tier_rows_of_file, tiers_of

        if wanted.tiers == SHIPPED:
            symbol = canonical_spelling(wanted.symbol) or wanted.symbol
            rows, source = shipped_rows(wanted.exchange.strip().lower(), symbol)
            typer.echo(f"margin tiers: {source}", err=True)
        else:
            rows = tier_rows_of_file(Path(wanted.tiers).expanduser())
        return msgspec.structs.replace(found, tiers=tiers_of(rows))


def costs_told(
    capital: float,
    fee_bps: float | None,
    slippage_bps: float,
    fill: FillRule,
    leverage: float,
    margin_mode: MarginMode,
    contract: ContractWanted,
) -> Assumptions:
    """The assumptions; says on standard error whose fee was taken where none was stated.

    Raises:
        ConfigError: a number that no account can have, or a venue whose fees are not known.
    """
    found, note = assumptions_of(
        CostsWanted(
            capital=capital,
            fee_bps=fee_bps,
            slippage_bps=slippage_bps,
            fill=fill,
            leverage=leverage,
            margin_mode=margin_mode,
            exchange=contract.exchange,
        )
    )
    if note:
        typer.echo(note, err=True)
    return with_contract(found, contract)
