"""Which contracts a command is to run over: files with or without names, or stored series."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.backtest.run_inputs import FundingSource
from headwater.core.errors import ConfigError
from headwater.core.instruments import canonical_spelling

__all__ = ["AskedContract", "asked_contracts"]

_NAMED: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9_]*):([^=]+)=(.+)", re.DOTALL)
_VENUE: Final = re.compile(r"([a-z][a-z0-9_]*):(.+)")
_FORM: Final = "exchange:SYMBOL=FILE for each of several, such as binance:BTCUSDT=a.csv"
_SOURCES: Final = frozenset(FundingSource)


class AskedContract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract as it was asked for.

    Attributes:
        data: its file; None for stored candles.
        symbol: in any common spelling; may be empty with a file.
        exchange: venue id; may be empty with a file.
        funding: `stored`, `none`, a file, or empty for what is usual.
    """

    data: Path | None
    symbol: str
    exchange: str
    funding: str = ""

    @property
    def name(self) -> str:
        """`exchange:symbol`."""
        return f"{self.exchange}:{self.symbol}"


def asked_contracts(
    data: Sequence[str] | None, funding: Sequence[str] | None, symbol: str, exchange: str
) -> tuple[AskedContract, ...]:
    """The contracts of a call, in the order in which they were named.

    Stored series are every symbol on every venue of the two options, which take several with
    commas; a symbol that names its venue (`bybit:BTCUSDT`) is meant there alone.

    Args:
        data: files, or `exchange:SYMBOL=FILE`.
        funding: `stored`, `none`, a file of one contract, or `exchange:SYMBOL=FILE`.
        symbol: of stored series, or of the one file.
        exchange: likewise.

    Raises:
        ConfigError: several files without names, a contract named twice, or payments of none.
    """
    found = _of_files(data, symbol, exchange) if data else _of_names(symbol, exchange)
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("--data" if data else "--symbol", f"{name} twice", "each once")
    return _with_funding(found, funding or ())


def _of_files(data: Sequence[str], symbol: str, exchange: str) -> list[AskedContract]:
    """The contracts of files.

    Raises:
        ConfigError: several without names, or a name that contradicts the other options.
    """
    found = []
    for one in data:
        named = None if Path(one).exists() else _NAMED.fullmatch(one)
        if named is None:
            if len(data) > 1:
                raise ConfigError("--data", one, _FORM)
            return [AskedContract(data=_file(one), symbol=symbol, exchange=exchange)]
        if symbol or exchange:
            raise ConfigError(
                "--symbol" if symbol else "--exchange",
                symbol or exchange,
                f"nothing beside --data {one}, which names the contract",
            )
        found.append(
            AskedContract(data=_file(named[3]), symbol=_symbol(named[2]), exchange=named[1].lower())
        )
    return found


def _of_names(symbol: str, exchange: str) -> list[AskedContract]:
    """The contracts of stored series; one that lacks a name is refused by who reads it."""
    symbols = [one.strip() for one in symbol.split(",") if one.strip()]
    venues = [one.strip().lower() for one in exchange.split(",") if one.strip()]
    if len(symbols) < 2 and len(venues) < 2 and not any(map(_VENUE.fullmatch, symbols)):
        return [AskedContract(data=None, symbol=symbol, exchange=exchange)]
    found = []
    for one in symbols:
        named = _VENUE.fullmatch(one)
        where, what = ([named[1]], named[2]) if named else (venues, one)
        if not where:
            raise ConfigError("--exchange", "not given", f"the venue of {one}")
        found += [AskedContract(data=None, symbol=_symbol(what), exchange=venue) for venue in where]
    return found or [AskedContract(data=None, symbol="", exchange=exchange)]


def _with_funding(
    contracts: Sequence[AskedContract], funding: Sequence[str]
) -> tuple[AskedContract, ...]:
    """The contracts with what was said of their payments.

    Raises:
        ConfigError: a file without a name for several contracts, or a name of none of them.
    """
    told = {one.name: one for one in contracts}
    for given in funding:
        named = None if Path(given).exists() else _NAMED.fullmatch(given)
        if named is None:
            if len(funding) > 1 or (len(contracts) > 1 and given not in _SOURCES):
                raise ConfigError("--funding", given, f"stored or none alone, or {_FORM}")
            return tuple(msgspec.structs.replace(one, funding=given) for one in contracts)
        name = f"{named[1].lower()}:{_symbol(named[2])}"
        if name not in told or told[name].funding:
            raise ConfigError("--funding", given, f"once each for {', '.join(told)}")
        told[name] = msgspec.structs.replace(told[name], funding=named[3])
    return tuple(told.values())


def _symbol(text: str) -> str:
    return canonical_spelling(text) or text


def _file(text: str) -> Path:
    """The path of a file.

    Raises:
        ConfigError: it is a folder.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        raise ConfigError("--data", f"{text!r} is a folder", "a file")
    return path
