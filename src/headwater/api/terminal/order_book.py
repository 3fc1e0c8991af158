"""`/api/v1/ws/orderbook`: one viewer of an order book and the view that it asked for (O-W1).

The view is changed on the open socket by `update_params`; a wrong value changes nothing.
"""

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
    PACE,
    ChoiceParameter,
    DecimalParameter,
    TerminalSocket,
    WholeParameter,
)
from headwater.api.terminal.desk import INTERNAL_CLOSE, FeedDesk, SharedFeed, TooManyFeeds
from headwater.api.terminal.live_book import LiveBook
from headwater.api.terminal.requests import RequestReader, error_view
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

ORDER_BOOK: Final = TerminalSocket(
    name="orderbook",
    description=(
        "An order book rounded on the server, with sums from the best price outwards. Each "
        "message is the whole view; one is sent when it has changed, no faster than the pace. "
        "`update_params` changes the view on the open socket: `params_updated`, then an update in "
        "it. While changes are missed `state` is `resyncing` and the sides are empty."
    ),
    parameters=(EXCHANGE, _LIMIT, _ROUNDING, _ASKS, PACE),
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
        pace_ms=PACE.read(address),
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
        contract: which book.
        view: what it asks to see.
    """

    requests: ClassVar[RequestReader[View]] = RequestReader(ORDER_BOOK.requests)

    def __init__(self, desk: FeedDesk, contract: TerminalSymbol, view: BookView) -> None:
        super().__init__(desk)
        self._wanted = view
        self._paced: PacedView | None = None
        self._answers_due = 0
        key = LiveBook.key_of(contract)
        self._book = self.join(key, lambda: LiveBook(desk, contract), LiveBook)

    def start(self, feed: SharedFeed) -> None:
        """Shows the book for the first time, after the answers that waited for it."""
        assert feed is self._book, "there is one"
        due, self._answers_due = self._answers_due, 0
        try:
            self._show(self._wanted, answers=due)
        except TooManyFeeds as error:
            self.end(error_view(error, self.desk.clock.now_ms()), INTERNAL_CLOSE)

    def answer(self, request: View) -> Sequence[View]:
        """Shows another view, or says what is wrong with it."""
        assert isinstance(request, UpdateParamsRequest), "ping is answered elsewhere"
        wanted = changed_view(self._wanted, request)
        if self._book.has_begun:
            self._show(wanted, answers=1)
        else:
            self._wanted = wanted
            self._answers_due += 1
        return ()

    def close(self) -> None:
        """Gives everything back; harmless when repeated."""
        paced, self._paced = self._paced, None
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


def open_order_book(desk: FeedDesk, rest: str, query: str) -> StreamAccepted:
    """Begins a client of `/api/v1/ws/orderbook`; see `Opener`.

    Args:
        desk: the feeds.
        rest: what follows the socket's name in the path.
        query: not decoded, without the `?`.

    Raises:
        PlatformError: a part of the address is wrong, or the venue refuses.
    """
    address = ORDER_BOOK.read(rest, query)
    view = read_view(address)
    contract = terminal_symbol(desk.sources, EXCHANGE.read(address), address.symbol, desk.symbols)
    return OrderBookSession(desk, contract, view).accepted


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
