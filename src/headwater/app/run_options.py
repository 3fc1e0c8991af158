"""What the commands that run strategies are told: strategy, data, costs; read once for all.

Every refusal names the option, its value and what is allowed, and ends with exit status 2. Nothing
that a command may not need is imported before it is needed: a back-test of a file begins within a
fraction of a second.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer

from headwater.backtest.assumptions import LIMITS, Assumptions, FillRule, MarginMode
from headwater.backtest.venue_fees import DEFAULT_EXCHANGE, venue_fees
from headwater.core.errors import ConfigError, RequestError
from headwater.strategies.bars import Bars, time_text
from headwater.strategies.base import BaseStrategy
from headwater.strategies.epochs import end_epoch_ms, epoch_ms

__all__ = [
    "BarsWanted",
    "CostsWanted",
    "assumptions_of",
    "bars_of",
    "named_options",
    "pairs_of",
    "span_of",
    "strategy_of",
    "written",
]

ResultT = TypeVar("ResultT")

_BPS: Final = 10_000.0
_OPTIONS: Final = {
    "initial_capital": "--capital",
    "fee_rate": "--fee-bps",
    "slippage_rate": "--slippage-bps",
    "leverage": "--leverage",
    "funding": "--funding",
    "detail": "--detail",
    "exchange": "--exchange",
    "symbol": "--symbol",
    "timeframe": "--interval",
    "interval": "--interval",
    "start": "--start",
    "start_date": "--start",
    "end": "--end",
    "end_date": "--end",
    "strategy": "--strategy",
    "data": "--data",
}
"""Options by the argument that they become."""
_OF_STRATEGY: Final = {"strategy": "--strategy", "parameter": "--param"}

Strategy = Annotated[
    str,
    typer.Option(help="Name of a strategy (`headwater strategies`), or path/to/file.py:Class."),
]
Symbol = Annotated[
    str,
    typer.Option(
        help="Symbol; of stored candles, or a name for the file's. `backtest` takes several with "
        "commas, also as exchange:SYMBOL."
    ),
]
Exchange = Annotated[
    str,
    typer.Option(
        help="Venue of the stored candles, and of the fee where none is stated. `backtest` takes "
        "several with commas."
    ),
]
IntervalText = Annotated[str, typer.Option("--interval", help="Length of a bar, such as 1h.")]
Start = Annotated[str | None, typer.Option(help="First bar: ISO date or time, or epoch.")]
End = Annotated[
    str | None, typer.Option(help="End: likewise; a date without a time means the whole day.")
]
Params = Annotated[
    list[str] | None, typer.Option("--param", help="A parameter as name=value; may be repeated.")
]
Capital = Annotated[float, typer.Option(help="Cash at the beginning, quote currency.")]
FeeBps = Annotated[
    float | None,
    typer.Option(
        help="Fee of every fill in hundredths of a percent; not stated: the taker fee of "
        "--exchange, which is printed.",
    ),
]
SlippageBps = Annotated[
    float, typer.Option(help="How much worse market orders and stops fill, same unit.")
]
Fill = Annotated[FillRule, typer.Option(help="When a decision at a close is filled.")]
Leverage = Annotated[float, typer.Option(help="Notional of an all-in position over the equity.")]
Margin = Annotated[MarginMode, typer.Option("--margin-mode", help="What a liquidation may take.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Html = Annotated[Path | None, typer.Option(help="Write the report to this file.", dir_okay=False)]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]


class BarsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which bars a command is to take.

    Attributes:
        data: file; None for stored candles.
        symbol: in any common spelling; may be empty with a file.
        exchange: venue id; may be empty with a file.
        interval: such as `1h`; may be empty with a file.
        start: ISO text or epoch; None from the first.
        end: likewise, None to the last.
        config: settings file, which names the database.
    """

    data: Path | None
    symbol: str
    exchange: str
    interval: str
    start: str | None
    end: str | None
    config: Path | None = None


class CostsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an account pays and may do, in the units of the options.

    Attributes:
        capital: quote currency.
        fee_bps: None for the venue's.
        slippage_bps: ≥ 0.
        fill: when decisions are filled.
        leverage: ≥ 1.
        margin_mode: what a liquidation may take.
        exchange: venue id; empty for the default one.
    """

    capital: float
    fee_bps: float | None
    slippage_bps: float
    fill: FillRule
    leverage: float = 1.0
    margin_mode: MarginMode = MarginMode.CROSS
    exchange: str = ""


@contextmanager
def named_options(
    option: Callable[[str], str] = lambda field: _OPTIONS.get(field, field),
) -> Iterator[None]:
    """Refusals inside the block name an option of the command line.

    Args:
        option: the option of a refused field.

    Raises:
        ConfigError: instead of a `RequestError`.
    """
    try:
        yield
    except RequestError as error:
        raise ConfigError(option(error.field), repr(error.value), error.allowed) from error


def pairs_of(option: str, given: Sequence[str] | None, form: str) -> dict[str, str]:
    """Options of the form name=value as a mapping.

    Args:
        option: as users write it.
        given: the values of all times it was written.
        form: what one looks like, for the error.

    Raises:
        ConfigError: one has no `=`, or a name is there twice.
    """
    pairs: dict[str, str] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ConfigError(option, repr(one[:80]), form)
        if name in pairs:
            raise ConfigError(option, f"{name!r} is there twice", "each name once")
        pairs[name] = value.strip()
    return pairs


def strategy_of(name: str, params: Sequence[str] | None) -> BaseStrategy:
    """The strategy with its parameters.

    Raises:
        ConfigError: there is none of that name, or a parameter is wrong.
    """
    from headwater.strategies.registry import strategy_class

    given = pairs_of("--param", params, "name=value, such as fast=10")
    with named_options():
        found = strategy_class(name)
    with named_options(lambda field: _OF_STRATEGY.get(field, f"--param {field}".strip())):
        return found(given)


def span_of(wanted: BarsWanted) -> tuple[int | None, int | None]:
    """First time that is wanted, and first that is not any more; ms since the epoch.

    A date without a time as the end means its whole day.

    Raises:
        RequestError: one is no time, or the end is not after the start.
    """
    start_ms = None if wanted.start is None else epoch_ms(wanted.start, "start")
    end_ms = None if wanted.end is None else end_epoch_ms(wanted.end, "end")
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        raise RequestError("end", wanted.end, f"a time after --start {wanted.start}")
    return start_ms, end_ms


def bars_of(wanted: BarsWanted) -> Bars:
    """The bars of a file within the wanted time; those of storage are read by `stored_bars`.

    Raises:
        ConfigError: no file is named, or the data are wrong.
    """
    with named_options():
        start_ms, end_ms = span_of(wanted)
    if wanted.data is None:
        raise ConfigError("--data", "not given", "a file")
    from headwater.backtest.data import load_bars

    with named_options(lambda field: "--data" if field == "data" else f"--data, {field}"):
        bars = load_bars(wanted.data, wanted.symbol, wanted.interval or None)
    times = bars.timestamp_ms
    first = 0 if start_ms is None else int(times.searchsorted(start_ms))
    last = len(bars) if end_ms is None else int(times.searchsorted(end_ms))
    if first >= last:
        held = f"{time_text(int(times[0]))} to {time_text(int(times[-1]))}"
        raise ConfigError(
            "--start" if wanted.start is not None else "--end",
            f"{wanted.start or ''} … {wanted.end or ''} has no bar",
            f"a time within that of the data, {held}",
        )
    return bars[first:last]


def assumptions_of(wanted: CostsWanted) -> tuple[Assumptions, str]:
    """The assumptions of a run, and a line that says whose fee was taken; empty for one's own.

    Raises:
        ConfigError: a number that no account can have, or a venue whose fees are not known.
    """
    exchange, note = "", ""
    fee_bps = wanted.fee_bps
    if fee_bps is None:
        exchange = (wanted.exchange or DEFAULT_EXCHANGE).strip().lower()
        with named_options():
            fees = venue_fees(exchange)
        fee_bps = fees.taker_rate * _BPS
        note = (
            f"fee: {fee_bps:g} bps, {exchange}'s public taker fee of the lowest tier "
            f"({fees.source}); state your own with --fee-bps"
        )
    with named_options():
        found = Assumptions(
            initial_capital=wanted.capital,
            fee_rate=_rate("fee_rate", fee_bps),
            slippage_rate=_rate("slippage_rate", wanted.slippage_bps),
            fill=wanted.fill,
            leverage=wanted.leverage,
            margin_mode=wanted.margin_mode,
            exchange=exchange,
        ).checked()
    return found, note


def _rate(field: str, bps: float) -> float:
    """A cost as a fraction.

    Raises:
        RequestError: none that an account can have; in the unit of the option.
    """
    least, most = LIMITS[field]
    if not least * _BPS <= bps <= most * _BPS:
        raise RequestError(field, bps, f"a number from {least * _BPS:g} to {most * _BPS:g}")
    return bps / _BPS


@contextmanager
def written(option: str, path: Path | None) -> Iterator[None]:
    """Writing of a file; a failure names the option.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            option, f"{str(path)!r}: {error.strerror}", "a file that can be written"
        ) from error
