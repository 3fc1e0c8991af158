"""Tardis' downloadable CSV files: trades, liquidations, derivative tickers and book snapshots.

`binance-futures_trades_2024-01-01_BTCUSDT.csv.gz`; rows name venue, symbol and two times in
microseconds, the venue's and the one of arrival. The side of a liquidation is that of the closing
order (buy: a short was liquidated) for every venue, as with us. Amounts are as the venue sends
them: OKX counts contracts, so their size has to be said.

Source: https://docs.tardis.dev/downloadable-csv-files/data-types; what a venue's price of a
liquidation is: the venues' READMEs.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.app.archives.base import Archive, FilePlan, FileWish, RowReader
from headwater.app.archives.csv_rows import (
    CellRefused,
    Sheet,
    moment_us,
    number,
    positive,
)
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import ConfigError
from headwater.core.records import (
    BookSnapshot,
    FundingRate,
    Level,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Trade,
)
from headwater.venues.binance import symbols as binance
from headwater.venues.bybit import symbols as bybit
from headwater.venues.hyperliquid import symbols as hyperliquid
from headwater.venues.okx import symbols as okx

BYBIT_WHOLE_FROM_MS: Final = 1_740_787_200_000
"""1 March 2025: since 20 February Bybit tells of all liquidations, before of one a second."""

SAMPLE_MS: Final = 60_000
"""Of open interest and funding, which stand in each row, the first of each minute is kept."""

_NAME: Final = re.compile(r"(?:^|[_/])(trades|liquidations|derivative_ticker|book_snapshot_\d+)_")
_HEAD: Final = ("exchange", "symbol", "timestamp", "local_timestamp")
_DEAL: Final = (*_HEAD, "id", "side", "price", "amount")
_TICKER: Final = (
    *_HEAD, "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest",
    "last_price", "index_price", "mark_price",
)  # fmt: skip
_KINDS: Final = {
    "trades": "trades",
    "liquidations": "liquidations",
    "derivative_ticker": "open interest and funding each minute; mark prices into Parquet only",
    "book_snapshot_5": "the five best levels of a book; into Parquet only",
    "book_snapshot_25": "the 25 best levels; into Parquet only",
}


class _Market(msgspec.Struct, frozen=True):
    """What is known of a venue of the archive.

    Attributes:
        exchange: our venue id.
        symbol_of: our symbol of the venue's.
        is_ours: whether a symbol is of a contract that is linear.
        price_kind: what the price of a liquidation is; None where it has none.
        in_contracts: whether amounts are contracts.
    """

    exchange: str
    symbol_of: Callable[[str], str]
    is_ours: Callable[[str], bool]
    price_kind: PriceKind | None
    in_contracts: bool = False


def _is_linear_binance(native_symbol: str) -> bool:
    return not binance.is_coin_margined(native_symbol)


def _is_linear_okx(native_symbol: str) -> bool:
    return okx.is_swap(native_symbol) and "-USD-" not in native_symbol


_MARKETS: Final = {
    "binance-futures": _Market(
        "binance", binance.canonical_symbol, _is_linear_binance, PriceKind.AVERAGE
    ),
    "bybit": _Market("bybit", bybit.canonical_symbol, bybit.is_linear, PriceKind.BANKRUPTCY),
    "okex-swap": _Market(
        "okx", okx.canonical_symbol, _is_linear_okx, PriceKind.BANKRUPTCY, in_contracts=True
    ),
    "hyperliquid": _Market(
        "hyperliquid", hyperliquid.canonical_symbol, hyperliquid.is_perpetual, None
    ),
}


class _Head(msgspec.Struct, frozen=True):
    """What begins every row."""

    market: _Market
    exchange: str
    symbol: str
    native_symbol: str
    timestamp_ms: int
    received_ns: int


class _Rows:
    """Makes the records of a file's rows."""

    def __init__(self, wish: FileWish) -> None:
        self._wish = wish
        self._sampled: dict[tuple[str, str], int] = {}

    def trades(self, cells: Sequence[str]) -> Sequence[Record]:
        head = self._head(cells)
        if head is None:
            return ()
        side, price, quantity = self._deal(head, cells)
        text = cells[4]
        counted = head.exchange in ("binance", "hyperliquid") and text.isascii() and text.isdigit()
        if not text:
            raise CellRefused("id", "empty: a trade without an id cannot be told from another")
        return (
            Trade(
                head.exchange,
                head.symbol,
                head.native_symbol,
                head.timestamp_ms,
                head.received_ns,
                side,
                price,
                quantity,
                price * quantity,
                int(text) if counted else text,
            ),
        )

    def liquidations(self, cells: Sequence[str]) -> Sequence[Record]:
        head = self._head(cells)
        if head is None:
            return ()
        if head.market.price_kind is None:
            raise CellRefused("exchange", f"{cells[0]} has no stream of liquidations")
        side, price, quantity = self._deal(head, cells)
        whole = head.exchange == "bybit" and head.timestamp_ms >= BYBIT_WHOLE_FROM_MS
        made = Liquidation(
            exchange=head.exchange,
            symbol=head.symbol,
            native_symbol=head.native_symbol,
            timestamp_ms=head.timestamp_ms,
            received_ns=head.received_ns,
            side=side,
            position_side=PositionSide.LONG if side is Side.SELL else PositionSide.SHORT,
            price=price,
            quantity=quantity,
            value=price * quantity,
            price_kind=head.market.price_kind,
            order_id=cells[4] or None,
            is_floor=not whole,
        )
        return (made,)

    def tickers(self, cells: Sequence[str]) -> Sequence[Record]:
        head = self._head(cells)
        if head is None:
            return ()
        settled, rate_, _, interest, _, index_, mark_ = cells[4:]
        rate = number("funding_rate", rate_, least=-1.0) if rate_ else None
        settled_ms = moment_us("funding_timestamp", settled) // 1000 if settled else None
        found: list[Record] = []
        if mark_:
            found.append(
                MarkPrice(
                    exchange=head.exchange,
                    symbol=head.symbol,
                    native_symbol=head.native_symbol,
                    timestamp_ms=head.timestamp_ms,
                    received_ns=head.received_ns,
                    mark=positive("mark_price", mark_),
                    index=positive("index_price", index_) if index_ else None,
                    funding_rate=rate,
                    next_funding_ms=settled_ms,
                )
            )
        if interest and self._is_due("interest", head):
            counted = number("open_interest", interest, least=0.0)
            found.append(
                OpenInterest(
                    exchange=head.exchange,
                    symbol=head.symbol,
                    native_symbol=head.native_symbol,
                    timestamp_ms=head.timestamp_ms,
                    received_ns=head.received_ns,
                    open_interest=counted * self._contract(head),
                    value=None,
                )
            )
        if rate is not None and settled_ms is not None and self._is_due("funding", head):
            found.append(
                FundingRate(
                    exchange=head.exchange,
                    symbol=head.symbol,
                    native_symbol=head.native_symbol,
                    timestamp_ms=head.timestamp_ms,
                    received_ns=head.received_ns,
                    rate=rate,
                    interval_h=None,
                    funding_time_ms=settled_ms,
                )
            )
        return found

    def books(self, cells: Sequence[str]) -> Sequence[Record]:
        head = self._head(cells)
        if head is None:
            return ()
        size = self._contract(head)
        rest = cells[4:]
        made = BookSnapshot(
            exchange=head.exchange,
            symbol=head.symbol,
            native_symbol=head.native_symbol,
            timestamp_ms=head.timestamp_ms,
            received_ns=head.received_ns,
            asks=_levels("asks", rest[0::4], rest[1::4], size),
            bids=_levels("bids", rest[2::4], rest[3::4], size),
            sequence=None,
        )
        return (made,)

    def _head(self, cells: Sequence[str]) -> _Head | None:
        """What begins a row; None when it is of another symbol than the wanted one."""
        name, native_symbol, moment, arrival = cells[:4]
        market = _MARKETS.get(name)
        if market is None:
            raise CellRefused("exchange", f"{name[:40]!r}; known are {', '.join(_MARKETS)}")
        if self._wish.symbol is not None and native_symbol != self._wish.symbol:
            return None
        if not native_symbol or not market.is_ours(native_symbol):
            raise CellRefused("symbol", f"{native_symbol[:40]!r} is no linear contract of {name}")
        return _Head(
            market,
            self._wish.exchange or market.exchange,
            market.symbol_of(native_symbol),
            native_symbol,
            moment_us("timestamp", moment) // 1000,
            moment_us("local_timestamp", arrival) * 1000,
        )

    def _deal(self, head: _Head, cells: Sequence[str]) -> tuple[Side, float, float]:
        side_, price_, amount = cells[5:]
        try:
            side = Side(side_)
        except ValueError as error:
            raise CellRefused("side", f"{side_[:40]!r} is not buy or sell") from error
        quantity = positive("amount", amount) * self._contract(head)
        return side, positive("price", price_), quantity

    def _contract(self, head: _Head) -> float:
        """Base units of one unit of the file."""
        if not head.market.in_contracts:
            return 1.0
        if self._wish.contract_size is None:
            raise CellRefused(
                "amount", f"contracts: --contract-size says how much {head.native_symbol} one is"
            )
        return self._wish.contract_size

    def _is_due(self, what: str, head: _Head) -> bool:
        minute = head.timestamp_ms // SAMPLE_MS
        if self._sampled.get((what, head.symbol)) == minute:
            return False
        self._sampled[what, head.symbol] = minute
        return True


def _levels(
    side: str, prices: Sequence[str], amounts: Sequence[str], size: float
) -> tuple[Level, ...]:
    """Levels, best first; a book with fewer has empty cells at the end."""
    return tuple(
        (positive(f"{side}[{at}].price", price), positive(f"{side}[{at}].amount", amount) * size)
        for at, (price, amount) in enumerate(zip(prices, amounts, strict=True))
        if price
    )


def _book_columns(levels: int) -> tuple[str, ...]:
    sides = [
        f"{side}[{at}].{what}"
        for at in range(levels)
        for side in ("asks", "bids")
        for what in ("price", "amount")
    ]
    return (*_HEAD, *sides)


def plan(path: Path, wish: FileWish) -> FilePlan:
    """How a file is read.

    Raises:
        ConfigError: neither its name nor the options say what it is.
    """
    named = _NAME.search(path.as_posix() if wish.kind is None else "")
    kind = wish.kind or (named[1] if named is not None else None)
    if kind is None:
        raise ConfigError("--kind", f"{path.name} does not say what it is", ", ".join(_KINDS))
    if kind not in _KINDS:
        raise ConfigError("--kind", f"{kind!r} is not read of tardis", ", ".join(_KINDS))
    rows = _Rows(wish)
    deal = Sheet(layouts=[_DEAL], needed=_DEAL, optional=frozenset({"id"}))
    choices: dict[str, tuple[Sheet, RowReader]] = {
        "trades": (deal, rows.trades),
        "liquidations": (deal, rows.liquidations),
        "derivative_ticker": (Sheet(layouts=[_TICKER], needed=_TICKER), rows.tickers),
    }
    if kind.startswith("book_snapshot_"):
        columns = _book_columns(int(kind.rpartition("_")[2]))
        choices[kind] = (Sheet(layouts=[columns], needed=columns), rows.books)
    sheet, reader = choices[kind]
    return FilePlan(
        path=path,
        kind=kind,
        sheet=sheet,
        reader=reader,
        for_tables=not kind.startswith("book_snapshot_"),
    )


ARCHIVE: Final = Archive(name="tardis", kinds=_KINDS, plan=plan)
"""The CSV files of Tardis."""
