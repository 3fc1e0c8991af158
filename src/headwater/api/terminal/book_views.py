"""The views of one order book that somebody looks at, each rendered once for all who share it.

One ladder per rounding, one rendering per (rounding, limit, order of asks), one topic per rendering
and pace. A topic is published to when its view is different: at once, unless that would be sooner
than its pace after the last time. So nobody is told too often, and no viewer is ever further behind
than one pace. What nobody looks at any more is dropped.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from math import inf
from typing import Final, NamedTuple

from headwater.analytics.book_ladder import LadderBook
from headwater.api.schemas.terminal.common import PACE_DEFAULT_MS
from headwater.api.schemas.terminal.order_book import LIMIT_DEFAULT, AsksOrder
from headwater.api.stream_topics import HubTopic
from headwater.api.terminal.desk import SharedFeed, TooManyFeeds, Viewer
from headwater.api.terminal.order_book_text import (
    LEVEL_BYTES,
    LEVELS_MAX,
    BookHead,
    BookRendering,
    message_of,
    plain_decimal,
)
from headwater.bus.topics import SlowPolicy

VIEWS_MAX: Final = 128
"""Different views of one book at a time, by rounding, limit, order of asks and pace. Beyond it
there is room for those of offered roundings with limit and pace left out: nobody's wishes keep away
a screen that has none."""

ROUNDINGS_MAX: Final = 32
"""Different roundings among them besides the offered ones: each costs time with every change."""

_HEAD_BYTES: Final = 4 * LEVEL_BYTES
"""Room for what a message says besides its levels."""


class BookView(NamedTuple):
    """What somebody wants to see of a book.

    Attributes:
        rounding: of prices, quote currency, normalised; None for the symbol's default.
        limit: levels a side.
        asks: their order.
        pace_ms: shortest time between two updates.
    """

    rounding: Decimal | None
    limit: int
    asks: AsksOrder
    pace_ms: int


class PacedView:
    """A view and its topic. Made by `BookViews.look`.

    Attributes:
        view: what it shows; its rounding is never None.
        rendering: writes it.
        topic: where it is published.
        viewers: those who hear it.
        version: of the book that it shows.
        sent_at_s: monotonic time of its last message.
        body: of the last message.
        payload: the last message.
    """

    __slots__ = (
        "body",
        "payload",
        "rendering",
        "sent_at_s",
        "topic",
        "version",
        "view",
        "viewers",
    )

    def __init__(self, view: BookView, rendering: BookRendering, topic: HubTopic) -> None:
        self.view = view
        self.rendering = rendering
        self.topic = topic
        self.viewers: set[Viewer] = set()
        self.version = -1
        self.sent_at_s = -inf
        self.body = ""
        self.payload = b""


class BookViews:
    """All views of one book.

    Args:
        feed: whose topics they are.
        book: what is shown.
        head: what messages say besides the levels, now.
    """

    def __init__(self, feed: SharedFeed, book: LadderBook, head: Callable[[], BookHead]) -> None:
        self._feed = feed
        self._book = book
        self._head = head
        self._version = 0
        self._views: dict[BookView, PacedView] = {}
        self._renderings: dict[BookView, BookRendering] = {}
        self._timer: asyncio.TimerHandle | None = None
        room = feed.desk.hub.limits.max_payload_bytes - _HEAD_BYTES
        self._levels_max = max(1, min(LEVELS_MAX, room // (2 * LEVEL_BYTES)))

    @property
    def count(self) -> int:
        """Different views now."""
        return len(self._views)

    @property
    def renderings(self) -> int:
        """What is rendered for them: views that differ in their pace alone share it."""
        return len(self._renderings)

    def look(self, view: BookView, viewer: Viewer) -> PacedView:
        """Has a viewer see a view; `look_away` ends it.

        Args:
            view: with a rounding.
            viewer: is to be sent the payload of the result and to hear its topic from then on.

        Raises:
            TooManyFeeds: this book is looked at in as many ways as it may.
        """
        found = self._views.get(view)
        if found is None:
            if len(self._views) >= VIEWS_MAX and not self._is_plain(view):
                raise TooManyFeeds(f"{self._feed.key}: there are already {VIEWS_MAX} views")
            rendering = self._rendering(view)
            try:
                topic = self._feed.topic(_topic_end(view), SlowPolicy.LATEST)
            except TooManyFeeds:
                self._tidy(view)
                raise
            found = self._views[view] = PacedView(view, rendering, topic)
            self._render(found, self._now_s())
        found.viewers.add(viewer)
        return found

    def look_away(self, paced: PacedView, viewer: Viewer) -> None:
        """Ends what `look` began, after the viewer has ceased to hear the topic."""
        paced.viewers.discard(viewer)
        if paced.viewers or self._views.get(paced.view) is not paced:
            return
        del self._views[paced.view]
        self._feed.drop_topic(paced.topic.key)
        self._tidy(paced.view)

    def changed(self, *, at_once: bool) -> None:
        """Something is different now.

        Args:
            at_once: whether viewers are told before their pace allows it.
        """
        self._version += 1
        self._publish(at_once=at_once)

    def tick(self) -> None:
        """Publishes the views that are due; the timer calls this when the next one is."""
        self._publish(at_once=False)

    def close(self) -> None:
        """Publishes no more; harmless when repeated."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._views.clear()
        self._renderings.clear()

    def _publish(self, *, at_once: bool) -> None:
        """Publishes the views that changed and are due, and waits for the others."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._now_s()
        next_s = inf
        for paced in self._views.values():
            if paced.version == self._version:
                continue
            due_s = paced.sent_at_s + paced.view.pace_ms / 1000
            if now_s < due_s and not at_once:
                next_s = min(next_s, due_s)
            elif self._render(paced, now_s):
                paced.topic.publish(paced.payload)
        if next_s < inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(next_s - now_s, self.tick)

    def _render(self, paced: PacedView, now_s: float) -> bool:
        """Brings a view up to date; whether it is different now."""
        head = self._head()
        body = paced.rendering.body(head)
        paced.version = self._version
        if body == paced.body:
            return False
        paced.body = body
        paced.payload = message_of(body, head.timestamp_ms)
        paced.sent_at_s = now_s
        return True

    def _rendering(self, view: BookView) -> BookRendering:
        """The rendering of a view, shared by its paces.

        Raises:
            TooManyFeeds: there is no room for another rounding.
        """
        key = view._replace(pace_ms=0)
        found = self._renderings.get(key)
        if found is None:
            odd = {one.rounding for one in self._renderings}.difference(self._head().options)
            is_new = view.rounding not in odd.union(self._head().options)
            if is_new and len(odd) >= ROUNDINGS_MAX:
                raise TooManyFeeds(f"{self._feed.key}: there are already {ROUNDINGS_MAX} roundings")
            ladder = self._book.ladder(view.rounding)
            found = BookRendering(ladder, view.limit, view.asks, self._levels_max)
            self._renderings[key] = found
        return found

    def _is_plain(self, view: BookView) -> bool:
        """Whether it is one of the few that there is always room for."""
        shape = (view.limit, view.pace_ms)
        return shape == (LIMIT_DEFAULT, PACE_DEFAULT_MS) and view.rounding in self._head().options

    def _tidy(self, gone: BookView) -> None:
        """Drops the rendering and the ladder that a view had, where no other one has them."""
        key = gone._replace(pace_ms=0)
        if all(one._replace(pace_ms=0) != key for one in self._views):
            self._renderings.pop(key, None)
        if all(one.rounding != gone.rounding for one in self._renderings):
            self._book.drop(gone.rounding)

    def _now_s(self) -> float:
        return self._feed.desk.clock.monotonic()


def _topic_end(view: BookView) -> str:
    assert view.rounding is not None, "the default was put in"
    return (
        f"?rounding={plain_decimal(view.rounding)}&limit={view.limit}&asks={view.asks}"
        f"&pace_ms={view.pace_ms}"
    )
