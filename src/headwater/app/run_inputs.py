"""What a command runs over: bars of a file or of storage, funding payments, smaller bars."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from headwater.app.run_options import BarsWanted, bars_of, named_options
from headwater.backtest.run_inputs import (
    FundingSource,
    RunInputs,
    check_detail,
    funding_told,
    within,
)
from headwater.core.errors import ConfigError, RequestError
from headwater.core.intervals import Interval
from headwater.strategies.bars import Bars

__all__ = ["InputsWanted", "inputs_of"]

DetailBars = Annotated[
    str,
    typer.Option(
        "--detail",
        help="Smaller bars that tell what a bar reached first: a file, or of stored candles an "
        "interval such as 1m.",
    ),
]

_SOURCES: Final = frozenset(FundingSource)


class InputsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a command is to run over.

    Attributes:
        bars: which bars.
        funding: `stored`, `none`, a file, or empty for what is usual.
        detail: a file, an interval, or empty for none.
    """

    bars: BarsWanted
    funding: str = ""
    detail: str = ""


def inputs_of(wanted: InputsWanted) -> RunInputs:
    """Reads them.

    Raises:
        ConfigError: something is not there or wrong; names the option.
    """
    is_stored = wanted.bars.data is None
    source = FundingSource(wanted.funding) if wanted.funding in _SOURCES else None
    if source is FundingSource.STORED and not is_stored:
        raise ConfigError("--funding", "stored, with --data", "none, or a file of payments")
    interval = Interval(wanted.detail) if wanted.detail in frozenset(Interval) else None
    if interval is not None and not is_stored:
        raise ConfigError("--detail", f"{wanted.detail}, with --data", "a file of smaller bars")
    if is_stored:
        from headwater.app.stored_bars import inputs_of_storage

        # Payments of a file stand instead of those that are stored.
        asked = FundingSource.NONE if wanted.funding and source is None else source
        with named_options():
            found = inputs_of_storage(wanted.bars, asked, interval)
    else:
        found = RunInputs(bars=bars_of(wanted.bars))
    detail = found.detail
    if wanted.detail and interval is None:
        detail = _detail_of_file(Path(wanted.detail).expanduser(), found.bars)
    funding, text = found.funding, found.funding_text
    if wanted.funding and source is None:
        from headwater.backtest.funding_file import funding_of_file

        path = Path(wanted.funding).expanduser()
        with named_options(_funding_option):
            funding = within(funding_of_file(path), found.bars)
            if funding is None:
                raise RequestError("funding", path.name, "a payment within the time of the bars")
        text = funding_told(funding, found.bars, f"of {path.name}")
    return RunInputs(bars=found.bars, funding=funding, detail=detail, funding_text=text)


def _funding_option(field: str) -> str:
    return "--funding" if field == "funding" else f"--funding, {field}"


def _detail_of_file(path: Path, bars: Bars) -> Bars:
    """The smaller bars of a file.

    Raises:
        ConfigError: they are none; names the option.
    """
    from headwater.backtest.data import load_bars

    def option(field: str) -> str:
        return "--detail" if field in {"data", "detail"} else f"--detail, {field}"

    with named_options(option):
        return check_detail(load_bars(path, bars.symbol), bars)
