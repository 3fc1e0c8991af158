"""Views of the open-interest and volume monitor: its rules, and what they would have told."""

from typing import Annotated

from msgspec import Meta

from headwater.api.schemas.aggregated import OiSpikeView
from headwater.api.schemas.base import IsoTime, View
from headwater.core.enums import SpikeMethod
from headwater.core.intervals import Interval

Count = Annotated[int, Meta(ge=0)]


class SpikeRuleView(View, frozen=True, kw_only=True):
    """How bars of one length are tested.

    Attributes:
        timeframe: length of the bars.
        method: how they are scored.
        threshold: a score must be beyond this, in either direction.
        window: bars before the tested one that it is held against.
        cooldown_bars: bars after an alert without another one.
        volume_floor: least quote volume of an alert's bar, USD.
        open_interest_floor: least open interest of it, USD.
    """

    timeframe: Interval
    method: SpikeMethod
    threshold: float
    window: Count
    cooldown_bars: Count
    volume_floor: float
    open_interest_floor: float


class SpikeRulesView(View, frozen=True, kw_only=True):
    """What the monitor watches.

    Attributes:
        rules: by length of the bars; none when the monitor is turned off.
        symbols: canonical symbols, on every venue that lists them.
        alerts_per_day: alert budget of each venue and rule over all symbols; null without one.
    """

    rules: tuple[SpikeRuleView, ...]
    symbols: tuple[str, ...]
    alerts_per_day: float | None


class SpikePreviewView(View, frozen=True, kw_only=True):
    """What the monitor would have told of one symbol.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        rule: what it was tested by.
        alerts_per_day: the alert budget, which is left out of account here: with one the monitor
            tells fewer; null without one.
        start: bars that ended later than this,
        end: and until this, were looked at.
        bars: bars of the span.
        bars_tested: those whose volume and open interest are known; the others cannot be judged.
        spikes: what would have been told, oldest first, as `/ws/oi-vol` sends it.
    """

    exchange: str
    symbol: str
    rule: SpikeRuleView
    alerts_per_day: float | None
    start: IsoTime
    end: IsoTime
    bars: Count
    bars_tested: Count
    spikes: tuple[OiSpikeView, ...]
