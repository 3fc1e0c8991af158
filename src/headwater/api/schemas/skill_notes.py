"""What a reader of a table of skill is told in words."""

from headwater.analytics.skill_gain import DAY_MS
from headwater.api.schemas.base import iso_of
from headwater.services.forecasts import HOUR_MS
from headwater.services.liquidation_skill import SkillTable


def horizon_text(horizon_ms: int) -> str:
    """A horizon as `1h`, or in seconds where it is not of whole hours."""
    hours, rest = divmod(horizon_ms, HOUR_MS)
    return f"{horizon_ms / 1000:g}s" if rest else f"{hours}h"


def note_of(table: SkillTable, next_issue_ms: int | None) -> str:
    """What a reader should know before the numbers, empty for nothing.

    Args:
        table: the scores.
        next_issue_ms: when the next forecasts are written, None for never.
    """
    notes: list[str] = []
    if table.collecting_since_ms is None:
        when = "none are written for it (see forecast_symbols)"
        if next_issue_ms is not None:
            when = f"the first are written at {iso_of(next_issue_ms)}"
        notes.append(f"no forecast of {table.symbol} is stored yet; {when}")
    elif not table.rows:
        since = iso_of(table.collecting_since_ms)
        notes.append(f"no such forecast in these days; collecting since {since}")
    else:
        days = (table.end_ms - table.collecting_since_ms) / DAY_MS
        if days < (table.end_ms - table.start_ms) / DAY_MS:
            since = iso_of(table.collecting_since_ms)
            notes.append(f"collecting since {since}: {days:.1f} days so far")
    if table.rows and not table.exchanges:
        notes.append("no liquidation of a full feed was heard: nothing can be judged")
    if table.throttled:
        notes.append(f"liquidations of {', '.join(table.throttled)} are a lower bound")
    if table.path_exchange and table.mark_share < 1.0:
        part = f"{1.0 - table.mark_share:.0%}"
        notes.append(f"{part} of the price's minutes are of traded prices, not of the mark price")
    return "; ".join(notes)
