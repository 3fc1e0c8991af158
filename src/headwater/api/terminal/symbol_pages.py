"""The lists of symbols as JSON, each row encoded once a list and shared by all answers.

A venue's list changes each five minutes; until then its bytes are given again, alone or merged with
those of other venues. Encoding thousands of rows takes tens of ms and is done in a thread.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain
from math import inf

import msgspec

from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.symbols import symbol_view
from headwater.services.listed_symbols import SymbolList


class _Row(msgspec.Struct, frozen=True):
    """A row's place, the largest volume first, and its JSON."""

    order: float
    body: bytes


class _Page(msgspec.Struct, frozen=True):
    """A venue's list, encoded."""

    of: SymbolList
    rows: tuple[_Row, ...]


class SymbolPages:
    """Encoded lists, one of each venue: the newest that was asked for."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}

    async def body(self, lists: Sequence[SymbolList]) -> bytes:
        """The rows of lists as one JSON array: largest volume first, unknown last.

        Args:
            lists: at most one of a venue.
        """
        changed = [one for one in lists if self._known(one) is None]
        if changed:
            for page in await asyncio.to_thread(_encoded, changed):
                self._pages[page.of.exchange] = page
        pages = [self._known(one) or _page(one) for one in lists]
        if len(pages) == 1:
            return _joined(pages[0].rows)
        rows = chain.from_iterable(page.rows for page in pages)
        return _joined(sorted(rows, key=lambda row: row.order))

    def _known(self, wanted: SymbolList) -> _Page | None:
        page = self._pages.get(wanted.exchange)
        return page if page is not None and page.of is wanted else None


def _encoded(lists: Iterable[SymbolList]) -> list[_Page]:
    return [_page(one) for one in lists]


def _page(of: SymbolList) -> _Page:
    rows = (
        _Row(inf if row.volume_24h is None else -row.volume_24h, encode(symbol_view(row)))
        for row in of.rows
    )
    return _Page(of, tuple(rows))


def _joined(rows: Iterable[_Row]) -> bytes:
    return b"[" + b",".join(row.body for row in rows) + b"]"
