"""Where the peers' definitions differ from ours, why, and how each difference is switched.

`keep` of a case names the ways of the peer that its driver leaves as they are; without it the
driver follows our rules. `tests/peers/test_differences.py` shows for each of these that it is real:
kept, the outcome changes. Differences without a switch in the driver say where else the choice is.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One definition that is not the same.

    Attributes:
        peer: whose it is.
        name: how a case keeps it; empty where the driver cannot.
        theirs: what the peer does.
        ours: what we do.
        switch: how the difference is bridged, or where the choice is ours to make.
    """

    peer: str
    name: str
    theirs: str
    ours: str
    switch: str


DIFFERENCES: Final = (
    Difference(
        peer="backtesting",
        name="whole-units",
        theirs="orders are whole units, so a small account in a dear coin buys nothing",
        ours="fractional quantity",
        switch="prices scaled by a power of two, which is exact, until a unit is 3e-14 of the cash",
    ),
    Difference(
        peer="backtesting",
        name="crossover-ties",
        theirs="`crossover` wants strictly below before: below, equal, above is no cross",
        ours="at most equal before, above now",
        switch="the driver compares the means itself",
    ),
    Difference(
        peer="backtesting",
        name="first-bar",
        theirs="acts first on the bar after an indicator's first value",
        ours="acts on the first bar with a value; a cross needs the value before as well",
        switch="the head of the z-score is filled with 0; a cross is the same in both",
    ),
    Difference(
        peer="backtesting",
        name="late-close-fees",
        theirs="with fills at the close the fee is booked with the next bar",
        ours="in the bar of the fill",
        switch="the driver moves the fees in the curve",
    ),
    Difference(
        peer="backtesting",
        name="last-close-lost",
        theirs="a decision on the last bar is never filled, even at its own close",
        ours="filled at that close; pending only where it would fill at the next open",
        switch="the driver adds one flat bar and cuts it off again",
    ),
    Difference(
        peer="backtesting",
        name="brackets-from-close",
        theirs="brackets are absolute prices given with the order, before its fill is known",
        ours="fractions of the price of the fill",
        switch="the driver sets them from the open that is coming",
    ),
    Difference(
        peer="backtesting",
        name="",
        theirs="spread on entries only",
        ours="slippage on both sides",
        switch="cases with slippage are refused by the driver",
    ),
    Difference(
        peer="backtesting",
        name="",
        theirs="Sharpe: geometric mean of daily returns over lognormal deviation",
        ours="`sharpe.bar_365`, `daily_arith_365`, `daily_arith_252`, each with its formula",
        switch="by name in our result; theirs is not among them",
    ),
    Difference(
        peer="backtesting",
        name="",
        theirs="profit factor of percent returns",
        ours="of cash",
        switch="not compared",
    ),
    Difference(
        peer="backtesting",
        name="",
        theirs="a ruined account: equity set to 0 from there, position closed at the close",
        ours="the run stops there and says `insolvent`, equity as it is",
        switch="such cases are compared up to the bar of the ruin",
    ),
    Difference(
        peer="vectorbt",
        name="crossed-above",
        theirs="`crossed_above` wants to have been strictly below at any time before",
        ours="at most equal the bar before, above now; so means that begin equal can cross",
        switch="the driver compares the means itself",
    ),
    Difference(
        peer="vectorbt",
        name="stops-from-next-bar",
        theirs="a stop counts from the bar after the entry, and its row drops the signal",
        ours="the entry's bar included; the decision of the bar before is filled first",
        switch="every bar becomes rows for its open, its range and its close",
    ),
    Difference(
        peer="vectorbt",
        name="",
        theirs="fills at the close of the signal unless told otherwise",
        ours="the next open unless told otherwise",
        switch="`fill`: signals moved by one bar, the open as price",
    ),
    Difference(
        peer="vectorbt",
        name="",
        theirs="a ruined account trades on below zero",
        ours="the run stops there and says `insolvent`",
        switch="such cases are compared up to the bar of the ruin",
    ),
    Difference(
        peer="vectorbt",
        name="",
        theirs="Sharpe: bar returns, the first bar's return of 0 among them, deviation by n − 1",
        ours="`sharpe.bar_365` is the same",
        switch="the year is set to 365 days in the call",
    ),
    Difference(
        peer="nautilus",
        name="",
        theirs="an order sent in `on_bar` fills at the close just seen, over the bar's volume",
        ours="next open or close, whole",
        switch="only `close` is run; bars are given more volume than is ever asked for",
    ),
    Difference(
        peer="nautilus",
        name="",
        theirs="prices and quantities of fixed places, money of eight",
        ours="quantities as exact as a float",
        switch="equity agrees to about 1e-8",
    ),
    Difference(
        peer="jesse",
        name="",
        theirs="fills at the close just seen; an open trade is closed at the end",
        ours="next open or close; an open trade stays open",
        switch="only `close` is run; quantities are rounded, so equity agrees to about 1e-5",
    ),
    Difference(
        peer="freqtrade",
        name="",
        theirs="an open trade is closed at the end; precision of the market; profit rounded",
        ours="an open trade stays open",
        switch="used for speed, its results are only looked at",
    ),
)
"""All that are known."""


def switchable(peer: str) -> tuple[Difference, ...]:
    """Those of a peer that a case can keep."""
    return tuple(each for each in DIFFERENCES if each.peer == peer and each.name)
