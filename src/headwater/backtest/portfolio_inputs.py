"""What a run over several contracts goes over: the inputs of each as streams of one timeline."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.funding import FundingColumns
from headwater.backtest.run_inputs import RunInputs
from headwater.core.errors import RequestError
from headwater.strategies.bars import time_text

__all__ = ["CONTRACTS_MAX", "ContractInputs", "portfolio_streams"]

CONTRACTS_MAX: Final = 64
"""Most contracts of one run."""

_HOUR_MS: Final = 3_600_000


class ContractInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one contract.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        inputs: bars, smaller bars and funding payments.
    """

    exchange: str
    symbol: str
    inputs: RunInputs


def portfolio_streams(contracts: Sequence[ContractInputs]) -> tuple[MarketStreams, ...]:
    """The streams of the contracts, in their order.

    Raises:
        RequestError: none, too many, one twice, or no time that all of them share.
    """
    if not 1 <= len(contracts) <= CONTRACTS_MAX:
        raise RequestError("contracts", len(contracts), f"1 to {CONTRACTS_MAX}")
    seen: set[tuple[str, str]] = set()
    for one in contracts:
        name = (one.exchange, one.symbol)
        if name in seen:
            raise RequestError("contracts", f"{one.exchange}:{one.symbol}", "each contract once")
        seen.add(name)
        if not len(one.inputs.bars):
            raise RequestError("data", f"{one.exchange}:{one.symbol}, no bar", "at least one bar")
    _check_shared_time(contracts)
    return tuple(
        MarketStreams(
            one.exchange,
            one.symbol,
            bars=one.inputs.bars,
            funding=one.inputs.funding,
            funding_interval_h=_usual_hours(one.inputs.funding),
            detail=one.inputs.detail,
        )
        for one in contracts
    )


def _check_shared_time(contracts: Sequence[ContractInputs]) -> None:
    """Refuses contracts that were never traded at once.

    Raises:
        RequestError: tells the span of each.
    """
    spans = [
        (int(bars.timestamp_ms[0]), int(bars.timestamp_ms[-1]) + max(1, bars.interval_ms))
        for bars in (one.inputs.bars for one in contracts)
    ]
    if max(first for first, _ in spans) < min(end for _, end in spans):
        return
    told = "; ".join(
        f"{one.exchange}:{one.symbol} {time_text(first)} to {time_text(end)}"
        for one, (first, end) in zip(contracts, spans, strict=True)
    )
    raise RequestError("data", told, "contracts with bars of a time that all of them share")


def _usual_hours(funding: FundingColumns | None) -> float | None:
    """Hours between settlements, which strategies compare venues by; None with fewer than two.

    The middle one of all distances: a fact of the contract that a venue publishes beforehand.
    """
    if funding is None or len(funding.timestamp_ms) < 2:
        return None
    return float(np.median(np.diff(funding.timestamp_ms))) / _HOUR_MS or None
