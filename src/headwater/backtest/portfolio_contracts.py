"""A run over several contracts, contract by contract: its figures, and how much was held of it."""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.backtest.coverage import Coverage, coverage_of
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.portfolio import PortfolioResult

__all__ = ["ContractFigures", "contract_figures", "contract_name", "exposures"]

_NOTHING: Final = 0.0


class ContractFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one contract had to do with a run.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        coverage: which part of its time the bars have.
        closed_trades: positions that were opened and closed.
        open_trades: positions that are open at the end.
        win_rate: share of the closed ones that gained; None without any.
        pnl: realised and unrealised profit less fees plus funding, quote currency.
        fees: paid, quote currency.
        funding: received (negative: paid), quote currency.
        exposure: share of the samples at which a position was held.
    """

    exchange: str
    symbol: str
    coverage: Coverage
    closed_trades: int
    open_trades: int
    win_rate: float | None
    pnl: float
    fees: float
    funding: float
    exposure: float


def contract_name(exchange: str, symbol: str) -> str:
    """How a contract is called where there are several: `exchange:symbol`."""
    return f"{exchange}:{symbol}"


def contract_figures(result: PortfolioResult) -> tuple[ContractFigures, ...]:
    """The figures of every contract, in the order of the account."""
    venue, found = result.outcome.venue, []
    pnls = result.pnl_by_contract
    for at, stream in enumerate(result.streams):
        name = (stream.exchange, stream.symbol)
        trips = [one for one in result.trades if (one.exchange, one.symbol) == name]
        closed = [one.pnl for one in trips if one.pnl is not None]
        position = venue.position(venue.market(*name))
        held = result.outcome.held[at]
        found.append(
            ContractFigures(
                exchange=stream.exchange,
                symbol=stream.symbol,
                coverage=coverage_of(stream.all_bars()),
                closed_trades=len(closed),
                open_trades=len(trips) - len(closed),
                win_rate=sum(one > 0 for one in closed) / len(closed) if closed else None,
                pnl=pnls[name],
                fees=float(position.fees),
                funding=float(position.funding),
                exposure=float(np.count_nonzero(held) / len(held)) if len(held) else 0.0,
            )
        )
    return tuple(found)


def exposures(result: PortfolioResult) -> tuple[FloatArray, ...]:
    """Of every contract, shape (samples,): notional over the account's equity, negative for short.

    The notional is that of the last price known at the sample. 0 where the account has no equity
    that a position could be a multiple of.
    """
    outcome = result.outcome
    found = []
    for stream, held in zip(result.streams, outcome.held, strict=True):
        known_ms, price = _prices(stream)
        newest = np.searchsorted(known_ms, outcome.sample_ms, side="right") - 1
        last = np.where(newest >= 0, price[np.maximum(newest, 0)], _NOTHING)
        share = np.zeros(len(held))
        np.divide(held * last, outcome.equity, out=share, where=outcome.equity > 0)
        found.append(share)
    return tuple(found)


def _prices(stream: MarketStreams) -> tuple[FloatArray, FloatArray]:
    """When each price of a contract was known, ms, and the price: of trades, else of closes."""
    if stream.trades is not None:
        return stream.trades.timestamp_ms.astype(np.float64), stream.trades.price
    bars = stream.all_bars()
    return bar_ends_ms(bars).astype(np.float64), bars.close
