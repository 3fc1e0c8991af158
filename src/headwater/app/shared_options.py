"""What `backtest`, `sweep` and `walk-forward` are all told, and what it comes to."""

from dataclasses import dataclass
from typing import Annotated

import typer

from headwater.app.contract_options import (
    ContractWanted,
    LiquidationFeeBps,
    MinNotional,
    PriceTick,
    QuantityStep,
    Tiers,
    costs_told,
)
from headwater.app.contracts_asked import AskedContract, asked_contracts
from headwater.app.run_inputs import DetailBars, InputsWanted, inputs_of
from headwater.app.run_options import (
    AsJson,
    BarsWanted,
    Capital,
    ConfigFile,
    End,
    Exchange,
    FeeBps,
    Fill,
    Html,
    IntervalText,
    Leverage,
    Margin,
    Params,
    SlippageBps,
    Start,
    Strategy,
    Symbol,
)
from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.backtest.run_inputs import RunInputs
from headwater.core.errors import ConfigError

__all__ = ["RunOptions"]

Data = Annotated[
    list[str] | None,
    typer.Option(
        help="CSV with timestamp,open,high,low,close,volume, or Parquet; exchange:SYMBOL=FILE "
        "names its contract. `backtest` takes several of these.",
    ),
]
Funding = Annotated[
    list[str] | None,
    typer.Option(
        help="Funding payments: stored, none, or a CSV with timestamp,rate[,mark_price]; of "
        "several contracts exchange:SYMBOL=FILE for each. Not stated: those that are stored for "
        "stored candles, else none.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Strategy, data, costs and contract of a run, as they were written."""

    strategy: Strategy
    param: Params = None
    data: Data = None
    symbol: Symbol = ""
    exchange: Exchange = ""
    interval: IntervalText = ""
    start: Start = None
    end: End = None
    capital: Capital = 10_000.0
    fee_bps: FeeBps = None
    slippage_bps: SlippageBps = 0.0
    fill: Fill = FillRule.NEXT_OPEN
    leverage: Leverage = 1.0
    margin_mode: Margin = MarginMode.CROSS
    quantity_step: QuantityStep = 0.0
    price_tick: PriceTick = 0.0
    min_notional: MinNotional = 0.0
    tiers: Tiers = ""
    liquidation_fee_bps: LiquidationFeeBps = 0.0
    funding: Funding = None
    detail: DetailBars = ""
    html: Html = None
    as_json: AsJson = False
    config: ConfigFile = None

    def contracts(self) -> tuple[AskedContract, ...]:
        """What is traded: at least one contract.

        Raises:
            ConfigError: a name or a file that is none.
        """
        return asked_contracts(self.data, self.funding, self.symbol, self.exchange)

    def one_contract(self) -> AskedContract:
        """The contract of a command that takes one alone.

        Raises:
            ConfigError: several are named.
        """
        found = self.contracts()
        if len(found) > 1:
            raise ConfigError(
                "--data" if self.data else "--symbol",
                f"{len(found)} contracts",
                "one contract: several are run by `headwater backtest`",
            )
        return found[0]

    def inputs(self, contract: AskedContract) -> RunInputs:
        """Bars, funding payments and smaller bars of a contract.

        Raises:
            ConfigError: something is not there or wrong; names the option.
        """
        bars = BarsWanted(
            data=contract.data,
            symbol=contract.symbol,
            exchange=contract.exchange,
            interval=self.interval,
            start=self.start,
            end=self.end,
            config=self.config,
        )
        return inputs_of(InputsWanted(bars=bars, funding=contract.funding, detail=self.detail))

    def costs(self, contract: AskedContract) -> Assumptions:
        """What is assumed; says on standard error whose fee was taken where none was stated.

        Raises:
            ConfigError: a number that no account can have, or a venue whose fees are not known.
        """
        return costs_told(
            self.capital,
            self.fee_bps,
            self.slippage_bps,
            self.fill,
            self.leverage,
            self.margin_mode,
            self.terms(contract),
        )

    def terms(self, contract: AskedContract) -> ContractWanted:
        """What the contract demands, in the units of the options."""
        return ContractWanted(
            quantity_step=self.quantity_step,
            price_tick=self.price_tick,
            min_notional=self.min_notional,
            tiers=self.tiers,
            liquidation_fee_bps=self.liquidation_fee_bps,
            exchange=contract.exchange,
            symbol=contract.symbol,
        )
