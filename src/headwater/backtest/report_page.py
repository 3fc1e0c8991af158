"""The frame of a page that stands alone: one file, no request, everything escaped.

Style and scripts are in the page and are named by their hashes in its security policy, which allows
nothing else: not a script that came in by a name, not a picture from elsewhere. The chart library
is that of the dashboard; where it was not installed the page says so and has its plain drawings
only.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

import msgspec

import headwater
from headwater.analytics.performance import Performance
from headwater.backtest.report_metrics import HEADLINE, metric_rows

__all__ = ["MODULES", "Markup", "body_of", "chart_library", "page", "slot", "table"]

MODULES: Final = Path(headwater.__file__).parent / "dashboard" / "modules"
"""Where the dashboard's third-party modules are, when they are."""

_HERE: Final = Path(__file__).parent
_LIBRARY: Final = "lightweight-charts-*.mjs"
_EXPORTS: Final = re.compile(r"export\{([^}]*)\};?\s*(?://#[^\n]*\s*)?$")
_LOGO_STYLE: Final = "sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY="
"""The one style element that Lightweight Charts 5.2.1 makes, for its attribution logo."""

_BREAKS_OUT: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def chart_library(modules: Path = MODULES) -> str | None:
    """The chart library as a script that leaves its names in `globalThis.charts`.

    Args:
        modules: folder of the third-party modules.

    Returns:
        None where it is not installed.
    """
    found = sorted(modules.glob(_LIBRARY))
    if not found:
        return None
    text = found[-1].read_text(encoding="utf-8")
    exports = _EXPORTS.search(text)
    if exports is None or "</script" in text:
        return None
    pairs = (one.split(" as ") for one in exports[1].split(","))
    names = ",".join(f"{pair[-1].strip()}:{pair[0].strip()}" for pair in pairs)
    return f"{text[: exports.start()]}globalThis.charts={{{names}}};"


def page(title: str, body: str, data: object, *, script: str, modules: Path = MODULES) -> str:
    """The whole file.

    Args:
        title: of the page, plain text.
        body: HTML inside `<body>`.
        data: what the script reads, anything that is JSON.
        script: file name of our script beside this module.
        modules: folder of the third-party modules.
    """
    library = chart_library(modules)
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    scripts = [*([] if library is None else [library]), (_HERE / script).read_text("utf-8")]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(_hash(one) for one in scripts)}",
            f"style-src {_hash(style)} '{_LOGO_STYLE}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    notice = (
        ""
        if library is not None
        else '<p class="notice" role="note">The chart library was not installed where this report '
        "was made (it comes with the dashboard's modules, <code>npm ci</code>): drawings are "
        "plain.</p>"
    )
    encoded = msgspec.json.encode(data).decode().translate(_BREAKS_OUT)
    code = "".join(f'<script type="module">{one}</script>' for one in scripts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body>{body.replace('<!--notice-->', notice)}"
        f'<script type="application/json" id="data">{encoded}</script>{code}</body></html>\n'
    )


def body_of(
    title: str,
    intro: str,
    warnings: str,
    performance: Performance,
    sections: Sequence[tuple[str, str, str]],
) -> str:
    """All of a run's page that is seen: head, links, warnings, the headline figures, its parts.

    Args:
        title: plain text.
        intro: a sentence on what was run, plain text.
        warnings: HTML.
        performance: whose headline figures are shown.
        sections: `id`, head (plain text) and HTML of each part.
    """
    links = " · ".join(f'<a href="#{name}">{escape(head)}</a>' for name, head, _ in sections)
    parts = "".join(
        f'<section id="{name}" aria-labelledby="{name}-head"><h2 id="{name}-head">{escape(head)}'
        f"</h2>{body}</section>"
        for name, head, body in sections
    )
    tiles = "".join(
        f"<div><dt>{escape(one.label)}</dt><dd>{escape(one.text)}</dd></div>"
        for one in metric_rows(performance)
        if one.name in HEADLINE
    )
    return (
        '<a class="skip" href="#main">To the report</a>'
        f'<header><h1>{escape(title)}</h1><p class="dim">{escape(intro)} The past promises '
        'nothing.</p></header><nav aria-label="Parts of the report">'
        f'<p>{links}</p></nav><main id="main"><!--notice-->{warnings}<dl class="tiles">{tiles}'
        f"</dl>{parts}</main>"
        "<footer><p>Made by Headwater. Charts: Lightweight Charts™, copyright TradingView, Inc., "
        "Apache License 2.0.</p></footer>"
    )


def slot(name: str, label: str, drawing: str, *, keys: bool = True) -> str:
    """A place for a chart: a plain drawing, which the script replaces with the library's.

    Args:
        name: the script's name of it.
        label: what is to be seen, for those who do not see it.
        drawing: SVG.
        keys: whether the chart listens to keys.
    """
    tab = ' tabindex="0"' if keys else ""
    return (
        f'<div class="chart" data-chart="{escape(name)}" role="region"{tab} '
        f'aria-label="{escape(label)}">{drawing}</div>'
    )


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, name: str = ""
) -> str:
    """A table of escaped text in a box that scrolls; the first cell of a row heads it.

    Args:
        caption: what it is.
        heads: of the columns.
        rows: the cells as text, as many as heads; one that begins with `<` and was made by this
            package's own functions is to be given as `Markup`.
        name: `id` of the table.
    """
    named = f' id="{escape(name)}"' if name else ""
    body = "".join(
        f'<tr><th scope="row">{_cell(row[0])}</th>'
        + "".join(f"<td>{_cell(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table{named}><caption>{escape(caption)}</caption><thead><tr>"
        + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
        + f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _cell(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)


def _hash(text: str) -> str:
    """How a security policy names a text."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
