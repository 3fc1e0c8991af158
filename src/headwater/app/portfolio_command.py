"""`headwater backtest` over several contracts on one account: the run, its words, its files."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import typer
from rich.console import Console

from headwater.app.contract_options import with_contract
from headwater.app.contracts_asked import AskedContract
from headwater.app.run_options import CostsWanted, assumptions_of, named_options, written
from headwater.app.run_output import print_portfolio
from headwater.app.run_progress import bar_progress, failures_told
from headwater.app.shared_options import RunOptions
from headwater.backtest.event_account import EventAccount
from headwater.backtest.portfolio import PortfolioResult, run_portfolio
from headwater.backtest.portfolio_csv import portfolio_equity_csv, portfolio_trades_csv
from headwater.backtest.portfolio_inputs import ContractInputs, portfolio_streams
from headwater.backtest.portfolio_report import portfolio_report_html
from headwater.backtest.portfolio_summary import portfolio_summary
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.tier_rows import SHIPPED
from headwater.backtest.venue_fees import VenueFees, venue_fees
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.strategies.base import BaseStrategy

__all__ = ["run", "tell", "write"]

_BPS: Final = 10_000.0


def run(
    options: RunOptions, strategy: BaseStrategy, contracts: Sequence[AskedContract]
) -> PortfolioResult:
    """Runs a strategy over the contracts; a failure of the strategy ends with status 1.

    Args:
        options: of the call.
        strategy: with its parameters.
        contracts: at least two.

    Raises:
        ConfigError: an option, or data that are wrong.
    """
    _check_detail(options.detail, contracts)
    names = [(one.exchange, one.symbol) for one in contracts]
    account = _account(options, names)
    inputs = [
        ContractInputs(exchange=one.exchange, symbol=one.symbol, inputs=_inputs(options, one))
        for one in contracts
    ]
    with named_options():
        streams = portfolio_streams(inputs)
    with (
        named_options(),
        failures_told(strategy),
        bar_progress(strategy, is_asked=True) as progress,
    ):
        return run_portfolio(
            strategy,
            streams,
            account,
            funding=[one.inputs.funding_text for one in inputs],
            progress=progress,
        )


def _check_detail(detail: str, contracts: Sequence[AskedContract]) -> None:
    """Refuses smaller bars of a file: it would hold for one of the contracts alone.

    Raises:
        ConfigError: names the option.
    """
    if not detail:
        return
    if any(one.data is not None for one in contracts):
        raise ConfigError("--detail", detail, "none with files of several contracts")
    if detail not in frozenset(Interval):
        raise ConfigError("--detail", detail, "an interval of stored candles, such as 1m")


def tell(result: PortfolioResult, *, as_json: bool, with_equity: bool) -> None:
    """Prints the result."""
    if not as_json:
        print_portfolio(result, Console())
        return
    encoded = msgspec.json.encode(portfolio_summary(result, with_equity=with_equity))
    sys.stdout.write(encoded.decode() + "\n")


def write(
    result: PortfolioResult, html: Path | None, trades: Path | None, equity: Path | None
) -> None:
    """Writes the files that are wanted and says where they are.

    Raises:
        ConfigError: one cannot be written.
    """
    if html is not None:
        with written("--html", html):
            html.write_text(portfolio_report_html(result), encoding="utf-8")
    if trades is not None:
        with written("--trades-csv", trades):
            trades.write_text(portfolio_trades_csv(result), encoding="utf-8", newline="")
    if equity is not None:
        with (
            written("--equity-csv", equity),
            equity.open("w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(portfolio_equity_csv(result))
    for what, path in (("report", html), ("trades", trades), ("equity", equity)):
        if path is not None:
            typer.echo(f"{what}: {path}", err=True)


def _account(options: RunOptions, names: Sequence[tuple[str, str]]) -> EventAccount:
    """The account; says on standard error whose fees were taken where none was stated.

    Raises:
        ConfigError: a number that no account can have, or a venue whose fees are not known.
    """
    if options.tiers == SHIPPED:
        raise ConfigError("--tiers", SHIPPED, "a file, which holds for all of several contracts")
    wanted = CostsWanted(
        capital=options.capital,
        fee_bps=options.fee_bps or 0.0,
        slippage_bps=options.slippage_bps,
        fill=options.fill,
        leverage=options.leverage,
        margin_mode=options.margin_mode,
    )
    terms = options.terms(AskedContract(data=None, symbol="", exchange=""))
    rules = with_contract(assumptions_of(wanted)[0], terms)
    fees: Mapping[str, VenueFees] = {}
    if options.fee_bps is None:
        fees = _venue_fees(names)
    return EventAccount.of(rules, names, fees)


def _venue_fees(names: Sequence[tuple[str, str]]) -> dict[str, VenueFees]:
    """The public fees of the venues.

    Raises:
        ConfigError: those of one are not known.
    """
    found: dict[str, VenueFees] = {}
    for exchange in dict.fromkeys(exchange for exchange, _ in names):
        with named_options(lambda _: "--fee-bps, not stated"):
            found[exchange] = fees = venue_fees(exchange)
        typer.echo(
            f"fees: {fees.maker_rate * _BPS:g} bps maker, {fees.taker_rate * _BPS:g} bps taker, "
            f"{exchange}'s public ones of the lowest tier ({fees.source}); state your own with "
            "--fee-bps",
            err=True,
        )
    return found


def _inputs(options: RunOptions, contract: AskedContract) -> RunInputs:
    """The inputs of a contract.

    Raises:
        ConfigError: they are wrong; names the contract.
    """
    try:
        return options.inputs(contract)
    except ConfigError as error:
        raise ConfigError(
            f"{error.setting} ({contract.name})", error.problem, error.allowed
        ) from error
