"""The score as a page that stands alone: the table, reliability and gain by day as drawings.

No script and nothing from elsewhere, so that it can be kept or sent. All text is escaped.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from headwater.analytics.skill import SkillReport, SkillVerdict
from headwater.api.schemas.base import iso_of
from headwater.api.schemas.skill import SkillView
from headwater.services.liquidation_skill import SkillRow, SkillTable

_WIDTH: Final = 360
_HEIGHT: Final = 160
_EDGE: Final = 8
_STYLE: Final = (
    "body{font:14px system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;"
    "color:#222;background:#fff}h2{font-size:1em;margin:2em 0 .3em}figure{display:inline-block;"
    "margin:.5em 1em .5em 0}figcaption{color:#555}.skill{color:#0a6b2d}.harm{color:#a11515}"
    "svg{background:#f6f6f6}p{margin:.2em 0}"
)
_CLASSES: Final = {SkillVerdict.SKILL: "skill", SkillVerdict.HARM: "harm"}
"""Only an interval without 0 is coloured."""


def skill_page(table: SkillTable, view: SkillView) -> str:
    """The page as HTML.

    Args:
        table: the scores.
        view: the same as the API gives it.
    """
    meta = view.meta
    title = f"Skill of liquidation maps: {meta.symbol}"
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(meta.start_time)} to {escape(meta.end_time)}; judged by ",
        f"liquidations of {escape(', '.join(meta.exchanges) or 'no venue')}.</p>",
        f"<p>{escape(meta.note)}</p>",
    ]
    for row, shown in zip(table.rows, view.data, strict=True):
        name = f"{shown.model} {shown.version} · {shown.venues} · {shown.horizon}"
        parts.append(f"<h2>{escape(name)} · cells of {shown.cell_width:.2%}</h2>")
        colour = _CLASSES.get(row.verdict, "")
        parts.append(f"<p class='{colour}'>{escape(row.line)}</p>")
        if row.report is not None:
            parts.append(_figures(row, row.report))
    return "".join([*parts, "</body></html>\n"])


def _figures(row: SkillRow, report: SkillReport) -> str:
    checks = {True: "all as they must be", False: "DISTRUST THE SCORE", None: "too few days"}
    return (
        f"<p>{report.events:,} liquidations, {report.usd:,.0f} USD in reached cells, "
        f"{report.outside_usd:,.0f} USD outside; controls: {checks[row.is_sound]}.</p>"
        f"<figure>{_reliability(report)}<figcaption>Reliability: USD said (grey) and come (black), "
        f"by tenths of the cells</figcaption></figure>"
        f"<figure>{_daily(report)}<figcaption>Gain by day, bits per USD, from "
        f"{iso_of(report.daily[0].day_ms)[:10]}</figcaption></figure>"
    )


def _reliability(report: SkillReport) -> str:
    """Pairs of bars, the higher of all as high as the drawing."""
    said = [one.predicted_usd for one in report.reliability]
    came = [one.realised_usd for one in report.reliability]
    top = max([*said, *came, 1e-12])
    step = (_WIDTH - 2 * _EDGE) / max(1, len(said))
    bars = []
    for number, pair in enumerate(zip(said, came, strict=True)):
        for place, (usd, colour) in enumerate(zip(pair, ("#aaa", "#222"), strict=True)):
            height = usd / top * (_HEIGHT - 2 * _EDGE)
            left = _EDGE + (number + 0.1 + 0.4 * place) * step
            bars.append(_bar(left, _HEIGHT - _EDGE - height, step * 0.38, height, colour))
    return _drawing(bars)


def _daily(report: SkillReport) -> str:
    """One bar a day, up or down from 0."""
    bits = [one.bits for one in report.daily]
    top = max([abs(one) for one in bits if one is not None], default=0.0) or 1.0
    step = (_WIDTH - 2 * _EDGE) / len(bits)
    zero = _HEIGHT / 2
    bars = [_bar(_EDGE, zero, _WIDTH - 2 * _EDGE, 0.5, "#888")]
    for number, one in enumerate(bits):
        if one is not None:
            height = abs(one) / top * (zero - _EDGE)
            upper = zero - height if one > 0 else zero
            colour = "#0a6b2d" if one > 0 else "#a11515"
            bars.append(_bar(_EDGE + number * step, upper, step * 0.8, height, colour))
    return _drawing([*bars, f"<text x='4' y='12' font-size='10'>±{top:.2f}</text>"])


def _bar(left: float, upper: float, width: float, height: float, colour: str) -> str:
    return (
        f"<rect x='{left:.1f}' y='{upper:.1f}' width='{width:.1f}' height='{height:.1f}' "
        f"fill='{colour}'/>"
    )


def _drawing(parts: Sequence[str]) -> str:
    return (
        f"<svg role='img' width='{_WIDTH}' height='{_HEIGHT}' "
        f"xmlns='http://www.w3.org/2000/svg'>{''.join(parts)}</svg>"
    )
