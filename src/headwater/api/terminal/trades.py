"""`/api/v1/ws/trades`: the newest trades of a contract as one list, newest first (O-W2, O-S7).

What a venue lists and what it streams are merged by `TradeTape`, so no list that is sent has a
double or a hole. Every trade is encoded once, every list once for all who see the same one.
"""

from typing import Final, cast

import msgspec

from headwater.analytics.trade_tape import TradeTape
from headwater.api.lookup import demand
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalPingRequest,
    TerminalPongView,
)
from headwater.api.schemas.terminal.trades import (
    TerminalTradeView,
    TradesUpdateView,
    terminal_trade,
)
from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.declaration import EXCHANGE, PACE, TerminalSocket, WholeParameter
from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.history_feed import HistoryFeed
from headwater.api.terminal.pacing import PacedTopic
from headwater.api.terminal.requests import RequestReader
from headwater.api.terminal.session import TerminalSession
from headwater.api.terminal.symbols import TerminalSymbol, terminal_symbol
from headwater.bus.topics import SlowPolicy
from headwater.core.enums import Channel
from headwater.core.errors import PlatformError, VenueUnavailable
from headwater.core.records import Record, Trade
from headwater.feeds.live_fills import told_live

ROWS_MAX: Final = 100
"""Most trades of a list, and as many as the feed keeps."""

_LIMIT: Final = WholeParameter(
    name="limit", words="Most trades of a list.", default=ROWS_MAX, least=1, most=ROWS_MAX
)

TRADES: Final = TerminalSocket(
    name="trades",
    description=(
        "The newest trades of a contract as one list, newest first, history and live merged "
        "without doubles and holes. Each message is the whole list; one is sent when it has "
        "changed, no faster than `pace_ms`. Where the venue does not list its past an `error` "
        "says so, and the list grows from what comes live."
    ),
    parameters=(EXCHANGE, _LIMIT, PACE),
    requests=(TerminalPingRequest,),
    answers=(TradesUpdateView, TerminalPongView, TerminalErrorView),
    addresses=(
        "trades/BTCUSDT",
        "trades?symbol=BTCUSDT",
        "trades/BTC/USDT:USDT?exchange=binance&limit=20&pace_ms=500",
    ),
    said=('{"type":"ping"}',),
)
"""The socket."""

_ENCODED_MAX: Final = 4 * ROWS_MAX


class TradesFeed(HistoryFeed):
    """The newest trades of one contract, for everybody who looks at them.

    Args:
        desk: where it lives.
        contract: whose trades.
    """

    def __init__(self, desk: FeedDesk, contract: TerminalSymbol) -> None:
        self._tape = TradeTape(ROWS_MAX)
        self._rows: dict[int | str, msgspec.Raw] = {}
        self._lists: dict[tuple[int, bool], bytes] = {}
        self._listed = -1
        self._views: dict[tuple[int, int], PacedTopic] = {}
        self._watching: dict[tuple[int, int], int] = {}
        self._shown = 0
        # Last, because it takes the stream: a feed that is refused it is closed as it is.
        super().__init__(desk, self.key_of(contract), contract, Channel.TRADES, Trade)

    @staticmethod
    def key_of(contract: TerminalSymbol) -> str:
        """Names it among all feeds."""
        return f"trades/{contract.name}"

    async def load(self) -> bool:
        """Takes the venue's newest trades."""
        listed = await self.contract.source.trades(self.contract.instrument, limit=ROWS_MAX)
        # A live trade may stand for several listed ones: they are its parts, not others.
        told = told_live(listed, self._tape.known)
        rows = [
            told.get(at, one)
            for at, one in enumerate(listed)
            if at not in told or told[at].trade_id == one.trade_id
        ]
        return self._tape.join(rows)

    def hear(self, record: Record) -> None:
        """Takes a live trade."""
        assert isinstance(record, Trade), "the reader brings no others"
        self._tape.add(record)
        if self._tape.is_parted:
            if self.is_failing:
                self._tape.settle()
            else:
                self.ask()

    def interrupted(self) -> None:
        """Live trades may be missing."""
        self._tape.cut()

    def resumed(self) -> None:
        """What was missed before the stream flowed is in the venue's list now."""
        if self._tape.is_cut:
            self.ask()

    def give_up(self, problem: PlatformError | None) -> PlatformError | None:
        """The list begins anew with what came live."""
        self._tape.settle()
        if problem is not None:
            return problem
        words = "the trades that the venue lists do not reach those that it streams"
        return VenueUnavailable(self.contract.exchange, words)

    def show(self) -> None:
        """Publishes the list where it is another one than before."""
        if self._tape.version != self._shown:
            self._shown = self._tape.version
            for view in self._views.values():
                view.changed()

    def watch(self, limit: int, pace_ms: int) -> str:
        """A client begins to watch a list; returns the key of its topic.

        Raises:
            TooManyFeeds: there is no room for another topic.
        """
        key = (limit, pace_ms)
        view = self._views.get(key)
        if view is None:
            topic = self.topic(f"?limit={limit}&pace_ms={pace_ms}", SlowPolicy.LATEST)
            view = PacedTopic(topic, pace_ms / 1000, lambda: self.newest(limit, initial=False))
            self._views[key] = view
        self._watching[key] = self._watching.get(key, 0) + 1
        return view.topic.key

    def greeted(self, limit: int, pace_ms: int) -> None:
        """A client that watches a list is sent it now."""
        self._views[limit, pace_ms].sent()

    def unwatch(self, limit: int, pace_ms: int) -> None:
        """A client that watched a list has gone."""
        key = (limit, pace_ms)
        self._watching[key] -= 1
        if not self._watching[key]:
            del self._watching[key]
            view = self._views.pop(key)
            view.close()
            self.drop_topic(view.topic.key)

    def newest(self, limit: int, *, initial: bool) -> bytes:
        """The list as it is sent, made once for all who get the same."""
        if self._listed != self._tape.version:
            self._listed = self._tape.version
            self._lists.clear()
        payload = self._lists.get((limit, initial))
        if payload is not None:
            return payload
        rows = tuple(self._row(one) for one in self._tape.newest(limit))
        payload = encode(
            TradesUpdateView(
                exchange=self.contract.exchange,
                symbol=self.contract.symbol,
                trades=cast("tuple[TerminalTradeView, ...]", rows),  # encoded already
                initial=initial,
                timestamp=self.desk.clock.now_ms(),
            )
        )
        self._lists[limit, initial] = payload
        return payload

    def close(self) -> None:
        """Gives back all that it holds; harmless when repeated."""
        for view in self._views.values():
            view.close()
        super().close()

    def _row(self, trade: Trade) -> msgspec.Raw:
        """A trade as it is sent, encoded once."""
        row = self._rows.get(trade.trade_id)
        if row is None:
            if len(self._rows) >= _ENCODED_MAX:
                kept = (one.trade_id for one in self._tape.newest(ROWS_MAX))
                self._rows = {one: self._rows[one] for one in kept if one in self._rows}
            row = msgspec.Raw(encode(terminal_trade(trade, self.contract.format)))
            self._rows[trade.trade_id] = row
        return row


class TradesSession(TerminalSession):
    """One client of the list.

    Args:
        desk: the feeds.
        contract: whose trades.
        limit: most trades of a list.
        pace_ms: shortest time between two lists.

    Raises:
        PlatformError: the venue refuses, or there is no room.
    """

    requests = RequestReader[View](TRADES.requests)

    def __init__(self, desk: FeedDesk, contract: TerminalSymbol, limit: int, pace_ms: int) -> None:
        super().__init__(desk)
        self._limit, self._pace_ms = limit, pace_ms
        self._feed = self.join(
            TradesFeed.key_of(contract), lambda: TradesFeed(desk, contract), TradesFeed
        )
        self._topic: str | None = self._feed.watch(limit, pace_ms)

    def start(self, feed: SharedFeed) -> None:
        """Sends the first list; from here on the client hears the later ones."""
        assert feed is self._feed, "there is one"
        if self._topic is not None:
            self._feed.greeted(self._limit, self._pace_ms)
            self.send([self._feed.newest(self._limit, initial=True)])
            self.listen([self._topic])

    def close(self) -> None:
        """Gives everything back; harmless when repeated."""
        if self._topic is not None:
            self._feed.unwatch(self._limit, self._pace_ms)
            self._topic = None
        super().close()


def open_trades(desk: FeedDesk, rest: str, query: str) -> StreamAccepted:
    """Begins a client of `/api/v1/ws/trades`; see `Opener`.

    Args:
        desk: the feeds.
        rest: what follows the socket's name in the path.
        query: not decoded, without the `?`.

    Raises:
        PlatformError: a part of the address is wrong, or the venue refuses.
    """
    address = TRADES.read(rest, query)
    limit, pace_ms = _LIMIT.read(address), PACE.read(address)
    contract = terminal_symbol(desk.sources, EXCHANGE.read(address), address.symbol, desk.symbols)
    demand(contract.source, "trades")
    return TradesSession(desk, contract, limit, pace_ms).accepted
