"""`/api/v1/ws/orderbook`: one viewer of an order book and the view that it asked for (O-W1).

The view is changed on the open socket by `update_params`; a wrong value changes nothing.
"""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Final, cast

from msgspec import UNSET, UnsetType

from headwater.analytics.book_ladder import ROUNDING_MAX, is_rounding
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalPingRequest,
    TerminalPongView,
)
from headwater.api.schemas.terminal.order_book import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    LIMIT_MIN,
    PACE_DEFAULT_MS,
    PACE_MAX_MS,
    PACE_MIN_MS,
    AsksOrder,
    OrderbookUpdateView,
    ParamsUpdatedView,
    UpdateParamsRequest,
)
from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.addresses import TerminalAddress
from headwater.api.terminal.book_views import BookView, PacedView
from headwater.api.terminal.declaration import (
    EXCHANGE,
    ChoiceParameter,
    DecimalParameter,
    TerminalSocket,
    WholeParameter,
)
from headwater.api.terminal.desk import INTERNAL_CLOSE, FeedDesk, TooManyFeeds
from headwater.api.terminal.live_book import LiveBook, key_of
from headwater.api.terminal.requests import RequestReader
from headwater.api.terminal.session import TerminalSession
from headwater.api.terminal.symbols import TerminalSymbol, terminal_symbol
from headwater.core.errors import RequestError
from headwater.core.formatting import plain

ASKS_ORDERS: Final[tuple[AsksOrder, ...]] = ("best_first", "highest_first")
"""Orders of the asks; the first is the default."""

_LIMIT: Final = WholeParameter(
    name="limit", words="Levels a side.", default=LIMIT_DEFAULT, least=LIMIT_MIN, most=LIMIT_MAX
)
_ROUNDING: Final = DecimalParameter(
    name="rounding",
    words=(
        "What prices are rounded to, quote currency: bids down, asks up. Left out: the symbol's "
        "default."
    ),
)
_ASKS: Final = ChoiceParameter(
    name="asks",
    words="Order of the asks: the lowest first, or the highest, as on a ladder drawn downwards.",
    allowed=ASKS_ORDERS,
    default=ASKS_ORDERS[0],
)
_PACE: Final = WholeParameter(
    name="pace_ms",
    words="Shortest time between two updates, ms.",
    default=PACE_DEFAULT_MS,
    least=PACE_MIN_MS,
    most=PACE_MAX_MS,
)

ORDER_BOOK: Final = TerminalSocket(
    name="orderbook",
    description=(
        "An order book rounded on the server, with sums from the best price outwards. Each "
        "message is the whole view; one is sent when it has changed, no faster than the pace. "
        "`update_params` changes the view on the open socket: `params_updated`, then an update in "
        "it. While changes are missed `state` is `resyncing` and the sides are empty."
    ),
    parameters=(EXCHANGE, _LIMIT, _ROUNDING, _ASKS, _PACE),
    requests=(TerminalPingRequest, UpdateParamsRequest),
    answers=(OrderbookUpdateView, ParamsUpdatedView, TerminalPongView, TerminalErrorView),
    addresses=(
        "orderbook?symbol=BTCUSDT&limit=20&rounding=0.25",
        "orderbook/BTCUSDT?limit=50&pace_ms=500",
        "orderbook/btc-usdt?exchange=binance&asks=highest_first",
    ),
    said=(
        '{"type":"update_params","limit":50,"rounding":0.5}',
        '{"type":"update_params","asks":"highest_first","paceMs":1000}',
        '{"type":"ping"}',
    ),
)
"""The socket."""

ROUNDINGS_ALLOWED: Final = f"a number above 0, at most {ROUNDING_MAX}, with at most 12 places"
"""What a rounding may be, in words."""


def open_order_book(desk: FeedDesk, rest: str, query: str) -> StreamAccepted:
    """Begins a viewer.

    Args:
        desk: the feeds.
        rest: what follows `orderbook` in the path.
        query: of the address.

    Raises:
        PlatformError: something in the address is wrong, or the venue has no live book.
    """
    address = ORDER_BOOK.read(rest, query)
    view = read_view(address)
    symbol = terminal_symbol(desk.sources, EXCHANGE.read(address), address.symbol, desk.symbols)
    return OrderBookSession(desk, symbol, view).accepted


def read_view(address: TerminalAddress) -> BookView:
    """What an address asks to see.

    Raises:
        RequestError: names what is wrong.
    """
    rounding = _ROUNDING.read(address)
    return BookView(
        rounding=None if rounding is None else read_rounding(rounding),
        limit=_LIMIT.read(address),
        asks=cast("AsksOrder", _ASKS.read(address)),
        pace_ms=_PACE.read(address),
    )


def read_rounding(value: Decimal) -> Decimal:
    """A rounding in its one spelling: 0.5 for 0.50.

    Raises:
        RequestError: prices cannot be rounded to it.
    """
    if not value.is_finite() or not is_rounding(value):
        raise RequestError("rounding", str(value), ROUNDINGS_ALLOWED)
    return value.normalize()


class OrderBookSession(TerminalSession):
    """One viewer.

    Args:
        desk: the feeds.
        symbol: which book.
        view: what it asks to see.
    """

    requests: ClassVar[RequestReader[View]] = RequestReader(ORDER_BOOK.requests)

    def __init__(self, desk: FeedDesk, symbol: TerminalSymbol, view: BookView) -> None:
        super().__init__(desk)
        self._wanted = view
        self._paced: PacedView | None = None
        self._answers_due = 0
        key = key_of(symbol)
        self._book = desk.join(key, lambda: LiveBook(desk, symbol), LiveBook, self)
        self.view(self._book)

    def begin(self) -> None:
        """Shows the book, or waits for it."""
        if self._book.is_there:
            self.book_is_there()
        else:
            self._book.wait(self)

    def book_is_there(self) -> None:
        """Shows the book for the first time, after the answers that waited for it."""
        due, self._answers_due = self._answers_due, 0
        try:
            self._show(self._wanted, answers=due)
        except TooManyFeeds as error:
            # A client is not sent anything before its beginning is over.
            told = self._too_many(error)
            asyncio.get_running_loop().call_soon(self.end, told, INTERNAL_CLOSE)

    def answer(self, request: View) -> Sequence[View]:
        """Shows another view, or says what is wrong with it."""
        assert isinstance(request, UpdateParamsRequest), "ping is answered elsewhere"
        wanted = changed_view(self._wanted, request)
        if not self._book.is_there:
            self._wanted = wanted
            self._answers_due += 1
            return ()
        try:
            self._show(wanted, answers=1)
        except TooManyFeeds as error:
            return (self._too_many(error),)
        return ()

    def close(self) -> None:
        """Gives everything back; harmless when repeated."""
        paced, self._paced = self._paced, None
        self._book.wait_no_more(self)
        if paced is not None:
            self._book.views.look_away(paced, self)
        super().close()

    def _show(self, wanted: BookView, *, answers: int) -> None:
        """Sends the newest of a view, and what follows from now on.

        Args:
            wanted: what to show.
            answers: `params_updated` messages to send before.

        Raises:
            TooManyFeeds: there is no room for another view; the former one stays.
        """
        if not self.is_open:
            return
        if wanted.rounding is None:
            wanted = wanted._replace(rounding=self._book.default_rounding)
        paced = self._book.views.look(wanted, self)
        former, self._paced, self._wanted = self._paced, paced, wanted
        self.send([*[encode(_updated(wanted))] * answers, paced.payload])
        self.listen([paced.topic.key])
        if former is not None and former is not paced:
            self._book.views.look_away(former, self)

    def _too_many(self, error: TooManyFeeds) -> TerminalErrorView:
        message = f"this book is looked at in as many ways as it may be: {error}"
        now_ms = self.desk.clock.now_ms()
        return TerminalErrorView(code="TOO_MANY_STREAMS", message=message, timestamp=now_ms)


def changed_view(view: BookView, request: UpdateParamsRequest) -> BookView:
    """A view with what a request says put in.

    Raises:
        RequestError: it cannot be rounded so.
    """
    rounding = request.rounding
    return BookView(
        rounding=view.rounding if isinstance(rounding, UnsetType) else read_rounding(rounding),
        limit=view.limit if request.limit is UNSET else request.limit,
        asks=view.asks if request.asks is UNSET else request.asks,
        pace_ms=view.pace_ms if request.pace_ms is UNSET else request.pace_ms,
    )


def _updated(view: BookView) -> ParamsUpdatedView:
    assert view.rounding is not None, "the default was put in"
    return ParamsUpdatedView(
        limit=view.limit,
        rounding=float(view.rounding),
        rounding_formatted=plain(view.rounding),
        asks=view.asks,
        pace_ms=view.pace_ms,
    )
