"""One client of `/ws/heatmap`: does what it says and hears the symbols it has (L-W1).

A symbol begins with its first snapshot, which the client gets by itself; from that moment it
hears the symbol's topic. Nothing said here ends the socket.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from headwater.api.errors import problem_of
from headwater.api.heatmap_board import HeatmapBoard, TooManyWatched
from headwater.api.heatmap_requests import read_heatmap_request
from headwater.api.lookup import canonical_symbols, symbols_named
from headwater.api.schemas.base import View, encode, iso_of
from headwater.api.schemas.heatmap_socket import (
    SYMBOLS_MAX,
    HeatmapErrorView,
    HeatmapPongView,
    HeatmapSubscribeRequest,
    HeatmapUnsubscribeRequest,
    HeatmapWarningView,
)
from headwater.api.stream_contract import StreamAccepted, StreamHandle
from headwater.core.errors import PlatformError, RequestError, UnknownSymbol
from headwater.feeds.source import MarketSource

REQUESTS_PER_S: Final = 10
"""Requests of one client in a second that are answered; the others get RATE_LIMITED."""

_UNSTABLE: Final = encode(
    HeatmapWarningView(
        code="CONNECTION_UNSTABLE",
        message="nothing was heard of you; say something, such as a ping, or this socket is closed",
        dropped_messages=0,
    )
)


class HeatmapSession:
    """What one client has. `accepted` is the decision to give to the hub.

    Args:
        board: the watched symbols.
        sources: venues by id; they know which symbols there are.
    """

    def __init__(self, board: HeatmapBoard, sources: Mapping[str, MarketSource]) -> None:
        self._board = board
        self._sources = sources
        self._handle: StreamHandle | None = None
        self._paces: dict[str, int] = {}
        self._topics: dict[str, str] = {}
        self._live: set[str] = set()
        self._second = -1
        self._requests = 0
        self.accepted = StreamAccepted(
            topics=(),
            on_open=self._open,
            on_message=self.hear,
            on_close=self._close,
            if_silent=(_UNSTABLE,),
        )
        board.connected()

    def hear(self, text: str) -> Sequence[bytes]:
        """Does what a message of the client says.

        Returns:
            Answers that are left to be sent.
        """
        second = int(self._board.now_s())
        if second != self._second:
            self._second, self._requests = second, 0
        self._requests += 1
        if self._requests > REQUESTS_PER_S:
            self._board.rate_limited += 1
            words = f"more than {REQUESTS_PER_S} requests in a second; this one was ignored"
            return [encode(HeatmapErrorView(code="RATE_LIMITED", message=words))]
        request = read_heatmap_request(text)
        answers: list[View]
        if isinstance(request, HeatmapErrorView):
            answers = [request]
        elif isinstance(request, HeatmapSubscribeRequest):
            answers = self._subscribe(request)
        elif isinstance(request, HeatmapUnsubscribeRequest):
            answers = self._unsubscribe(request)
        else:
            answers = [HeatmapPongView(timestamp=iso_of(self._board.now_ms()))]
        return [encode(answer) for answer in answers]

    # What the board calls

    def begin(self, symbol: str, payload: bytes) -> None:
        """Takes the first snapshot of a symbol, and hears its topic from now on."""
        self._live.add(symbol)
        if self._handle is not None:
            self._handle.send([payload])
        self._listen()

    def fail(self, symbol: str, payload: bytes) -> None:
        """Takes the news that there is no map of a symbol now."""
        if self._handle is not None and symbol in self._paces:
            self._handle.send([payload])

    # Inside

    def _open(self, handle: StreamHandle) -> None:
        self._handle = handle

    def _close(self) -> None:
        """Gives everything back."""
        self._handle = None
        for symbol, pace_s in self._paces.items():
            self._board.leave(symbol, pace_s, self)
        self._paces.clear()
        self._topics.clear()
        self._live.clear()
        self._board.disconnected()

    def _listen(self) -> None:
        """Hears exactly the symbols that have begun."""
        if self._handle is not None:
            self._handle.listen([self._topics[symbol] for symbol in self._live])

    def _subscribe(self, request: HeatmapSubscribeRequest) -> list[View]:
        """Takes symbols; each wrong one is an error of its own."""
        pace_s = request.update_interval
        if isinstance(pace_s, msgspec.UnsetType):
            pace_s = self._board.default_pace_s
        symbols, errors = self._understand(request.symbols)
        for symbol in symbols:
            if self._paces.get(symbol) == pace_s:
                continue
            try:
                self._take(symbol, pace_s)
            except TooManyWatched:
                words = f"{symbol}: this server watches as many symbols as it may; try again later"
                errors.append(HeatmapErrorView(code="SERVER_ERROR", message=words, symbol=symbol))
            except RequestError as error:
                errors.append(
                    HeatmapErrorView(code="INVALID_MESSAGE", message=str(error), symbol=symbol)
                )
        return errors

    def _take(self, symbol: str, pace_s: int) -> None:
        """Begins a symbol, or changes its pace.

        Raises:
            RequestError: the socket has as many as it may.
            TooManyWatched: the server has.
        """
        former_s = self._paces.get(symbol)
        if former_s is None and len(self._paces) >= SYMBOLS_MAX:
            raise RequestError("symbols", symbol, f"at most {SYMBOLS_MAX} symbols on one socket")
        self._topics[symbol] = self._board.join(symbol, pace_s, self)
        self._paces[symbol] = pace_s
        if former_s is None:
            self._board.greet(symbol, self)
            return
        if symbol in self._live:
            self._listen()
        self._board.leave(symbol, former_s, self)

    def _unsubscribe(self, request: HeatmapUnsubscribeRequest) -> list[View]:
        """Gives symbols up; nothing of them comes any more."""
        known = [one for one in request.symbols if one in self._paces]
        others = tuple(one for one in request.symbols if one not in self._paces)
        symbols, errors = self._understand(others)
        for symbol in dict.fromkeys([*known, *symbols]):
            if symbol in self._paces:
                self._give_up(symbol)
            else:
                words = str(RequestError("symbols", symbol, "a symbol that this socket has"))
                errors.append(HeatmapErrorView(code="INVALID_SYMBOL", message=words, symbol=symbol))
        return errors

    def _give_up(self, symbol: str) -> None:
        """Ceases to hear a symbol, then to hold it."""
        pace_s = self._paces.pop(symbol)
        was_live = symbol in self._live
        self._live.discard(symbol)
        del self._topics[symbol]
        if was_live:
            self._listen()
        self._board.leave(symbol, pace_s, self)

    def _understand(self, texts: Sequence[str]) -> tuple[list[str], list[View]]:
        """Canonical symbols, each once, and an error for each text that is none.

        Near spellings are looked for once a request: they take milliseconds.
        """
        sources = list(self._sources.values())
        symbols: dict[str, None] = {}
        errors: list[View] = []
        for text in texts:
            found = symbols_named(sources, text)
            if found:
                symbols[min(found)] = None
            else:
                errors.append(self._unknown(text, sources, suggest=not errors))
        return list(symbols), errors

    def _unknown(
        self, text: str, sources: Sequence[MarketSource], *, suggest: bool
    ) -> HeatmapErrorView:
        """What is wrong with a symbol that no venue takes."""
        words = str(RequestError("symbols", text, "a symbol that a venue lists"))
        shown = text.encode("utf-8", "backslashreplace").decode()
        if all(len(source.table) for source in sources) and not suggest:
            return HeatmapErrorView(code="INVALID_SYMBOL", message=words, symbol=shown)
        try:
            canonical_symbols(text, sources)
        except UnknownSymbol as error:
            if error.suggestions:
                words += f"; did you mean {', '.join(error.suggestions)}?"
        except RequestError:
            pass
        except PlatformError as error:
            return HeatmapErrorView(
                code="SERVER_ERROR", message=problem_of(error).detail, symbol=shown
            )
        return HeatmapErrorView(code="INVALID_SYMBOL", message=words, symbol=shown)
