"""The fixed set of cases that the comparisons run: strategy, direction, fill, fee and brackets."""

from dataclasses import replace
from typing import Final

from benchmarks.peers.case import Case

Named = tuple[str, Case]
"""A series' name and a case whose file of bars is not yet known."""

SMA: Final = Case(bars="", strategy="sma_cross", fast=10, slow=30, fee_bps=10.0)
REVERSION: Final = Case(bars="", strategy="mean_reversion", fee_bps=10.0)
_EVERY: Final = ("minutes", "hours", "days", "ties", "trend", "wild", "huge")


def named(series: str, case: Case) -> str:
    """A readable id of a case."""
    strategy = f"sma{case.fast}x{case.slow}" if case.strategy == "sma_cross" else "reversion"
    words = [series, strategy, case.direction, case.fill, f"{case.fee_bps:g}bps"]
    if case.stop_loss is not None:
        words.append(f"stop{case.stop_loss:g}")
    if case.take_profit is not None:
        words.append(f"target{case.take_profit:g}")
    if case.slippage_bps:
        words.append(f"slip{case.slippage_bps:g}")
    if case.ddof != 1:
        words.append("ddof0")
    return "-".join(words)


def _cases() -> list[Named]:
    found: list[Named] = []
    for series in _EVERY:
        for base in (SMA, REVERSION):
            for direction in ("long", "both"):
                for fill in ("next-open", "close"):
                    found.append((series, replace(base, direction=direction, fill=fill)))
    for series in ("hours", "ties"):
        for direction in ("long", "both"):
            found.append((series, replace(SMA, direction=direction, fee_bps=0.0)))
            found.append((series, replace(REVERSION, direction=direction, fee_bps=0.0)))
    found += [(each, replace(REVERSION, ddof=0)) for each in ("hours", "days")]
    found += [("hours", replace(SMA, fast=5, slow=20)), ("days", replace(SMA, fast=20, slow=50))]
    for series, stop, target in (
        ("minutes", 0.003, 0.005),
        ("hours", 0.01, 0.02),
        ("ties", 0.02, 0.03),
        ("wild", 0.05, 0.10),
        ("trend", 0.01, 0.03),
    ):
        for fill in ("next-open", "close"):
            sided = replace(SMA, direction="both", fill=fill, stop_loss=stop)
            found.append((series, sided))
            found.append((series, replace(sided, take_profit=target)))
            back = replace(REVERSION, direction="both", fill=fill, stop_loss=stop)
            found.append((series, replace(back, take_profit=target)))
    for series in ("hours", "wild"):
        found.append((series, replace(SMA, stop_loss=0.02)))
        found.append((series, replace(SMA, take_profit=0.04)))
    found += [(each, replace(SMA, slippage_bps=5.0)) for each in ("minutes", "hours")]
    found += [("days", replace(REVERSION, direction="both", slippage_bps=5.0))]
    return found


CASES: Final = tuple(_cases())
"""All of them, each once."""
