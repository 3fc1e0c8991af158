"""Binance's stream servers: which stream a name means, who listens, and one text for all of them.

Every message is encoded once per stream, however many connections listen. Streams run only while
somebody listens; names that mean nothing are accepted and stay silent, as on the venue.
"""

import re
from typing import Protocol

from headwater.core.records import (
    ALL_SYMBOLS,
    BookDelta,
    Liquidation,
    MarkPrice,
    Record,
    Trade,
)
from headwater.venues.binance.symbols import INTERVALS
from headwater.venues.binance.venue_side_boards import (
    AllQuotesStream,
    LiquidationStream,
    MarkStream,
    SilentStream,
    TickerStream,
)
from headwater.venues.binance.venue_side_channels import (
    ContinuousKlineStream,
    DepthStream,
    FillStream,
    KlineStream,
    PrintStream,
    QuoteStream,
    TopStream,
    WireStream,
)
from headwater.venues.binance.venue_side_text import SymbolText, SymbolTexts
from headwater.venues.side import MarketView

REMEMBERED_LIQUIDATIONS = 4096
"""Liquidations kept to tell a second delivery of the same record."""

_DEPTH = re.compile(r"(rpiDepth|depth)(5|10|20)?(?:@(100|250|500)ms)?")
_DEPTH_MS = 250
_MARK = re.compile(r"markPrice(@1s)?")
_ALL_MARKS = re.compile(r"!markPrice@arr(@1s)?")
_CONTINUOUS = re.compile(r"(.+)_perpetual@continuousKline_(\w+)")
_KLINE = re.compile(r"kline_(\w+)")
_SILENT = {"!contractInfo", "!assetIndex@arr", "tradingSession"}


class StreamText:
    """One message of a stream, wrapped for combined connections only when one listens."""

    __slots__ = ("_name", "_wrapped", "raw")

    def __init__(self, name: str, raw: str) -> None:
        self._name = name
        self._wrapped: str | None = None
        self.raw = raw

    @property
    def wrapped(self) -> str:
        """The message inside `{"stream":…,"data":…}`."""
        if self._wrapped is None:
            self._wrapped = f'{{"stream":"{self._name}","data":{self.raw}}}'
        return self._wrapped


class Listener(Protocol):
    """A connection that takes messages."""

    def push(self, message: StreamText) -> None:
        """Takes one message."""
        ...


class _Running:
    """A stream that somebody listens to."""

    __slots__ = ("listeners", "name", "stream")

    def __init__(self, name: str, stream: WireStream) -> None:
        self.name = name
        self.stream = stream
        self.listeners: dict[Listener, None] = {}

    def publish(self, texts: list[str]) -> None:
        """Gives messages to everybody who listens."""
        for text in texts:
            message = StreamText(self.name, text)
            for listener in tuple(self.listeners):
                listener.push(message)


class StreamDesk:
    """All streams of the venue.

    Args:
        market: what is going on.
        texts: its symbols.

    Attributes:
        breaches: connections ended because a client broke a limit, since the start.
    """

    def __init__(self, market: MarketView, texts: SymbolTexts) -> None:
        self._market = market
        self._texts = texts
        self.breaches = 0
        self._running: dict[str, _Running] = {}
        self._hearing: dict[tuple[type[Record], str], list[_Running]] = {}
        self._newest: dict[tuple[type[Record], str], int] = {}
        self._liquidations: dict[int, Liquidation] = {}
        self._ticked_ms = -1

    def join(self, listener: Listener, name: str, endpoint: str) -> None:
        """Lets `listener` hear a stream; silently not, when `endpoint` does not serve it."""
        running = self._running.get(name)
        if running is None:
            stream = self._stream(name)
            if stream is None or stream.endpoint != endpoint:
                return
            running = self._running[name] = _Running(name, stream)
            for kind in stream.hears:
                self._hearing.setdefault((kind, stream.symbol), []).append(running)
        if running.stream.endpoint == endpoint:
            running.listeners[listener] = None

    def leave(self, listener: Listener, name: str) -> None:
        """Takes `listener` off a stream; a stream without listeners stops."""
        running = self._running.get(name)
        if running is None:
            return
        running.listeners.pop(listener, None)
        if not running.listeners:
            del self._running[name]
            for kind in running.stream.hears:
                self._hearing[(kind, running.stream.symbol)].remove(running)

    def leave_all(self, listener: Listener) -> None:
        """Takes `listener` off everything."""
        for name in [n for n, running in self._running.items() if listener in running.listeners]:
            self.leave(listener, name)

    def note(self, record: Record) -> None:
        """Takes a market event. Every connection delivers it; only the first counts."""
        if not self._is_new(record):
            return
        kind = type(record)
        for symbol in (record.symbol, ALL_SYMBOLS):
            for running in self._hearing.get((kind, symbol), ()):
                texts = running.stream.on_record(record)
                if texts:
                    running.publish(texts)

    def tick(self, now_ms: int) -> None:
        """Lets streams send what is due. Every connection calls it; only the first counts."""
        if now_ms <= self._ticked_ms:
            return
        self._ticked_ms = now_ms
        has_warmed = False
        for running in tuple(self._running.values()):
            if running.stream.due_ms > now_ms:
                continue
            if running.stream.is_cold:
                if has_warmed:
                    continue
                has_warmed = True
            texts = running.stream.on_tick(now_ms)
            if texts:
                running.publish(texts)

    def _is_new(self, record: Record) -> bool:
        """Whether this record is seen for the first time."""
        if isinstance(record, Liquidation):
            if id(record) in self._liquidations:
                return False
            # The record is kept, so its id is not given to another one meanwhile.
            self._liquidations[id(record)] = record
            if len(self._liquidations) > REMEMBERED_LIQUIDATIONS:
                del self._liquidations[next(iter(self._liquidations))]
            return True
        if isinstance(record, (Trade, BookDelta)):
            number = record.sequence or 0
        elif isinstance(record, MarkPrice):
            number = record.timestamp_ms
        else:
            return False
        key = (type(record), record.symbol)
        if number <= self._newest.get(key, -1):
            return False
        self._newest[key] = number
        return True

    def _stream(self, name: str) -> WireStream | None:
        """The stream of this name, None when there is none."""
        market, texts = self._market, self._texts
        if name.startswith("!") or name in _SILENT:
            return self._all_market(name)
        continuous = _CONTINUOUS.fullmatch(name)
        if continuous is not None:
            text = texts.stream(continuous[1])
            interval = INTERVALS.get(continuous[2])
            if text is None or interval is None:
                return None
            return ContinuousKlineStream(market, text, interval)
        symbol, _, channel = name.partition("@")
        text = texts.stream(symbol)
        if text is None:
            return None
        kline = _KLINE.fullmatch(channel)
        if kline is not None:
            interval = INTERVALS.get(kline[1])
            return None if interval is None else KlineStream(market, text, interval)
        mark = _MARK.fullmatch(channel)
        if mark is not None:
            return MarkStream(market, texts, text, 1000 if mark[1] else 3000)
        depth = _DEPTH.fullmatch(channel)
        if depth is not None:
            speed_ms = int(depth[3] or _DEPTH_MS)
            if depth[2]:
                return TopStream(market, text, int(depth[2]), speed_ms)
            return DepthStream(market, text, speed_ms)
        return self._plain(channel, text)

    def _plain(self, channel: str, text: SymbolText) -> WireStream | None:
        """A stream of one symbol without parameters."""
        market, texts = self._market, self._texts
        if channel == "aggTrade":
            return PrintStream(market, text)
        if channel == "trade":
            return FillStream(market, text)
        if channel == "bookTicker":
            return QuoteStream(market, text)
        if channel in ("ticker", "miniTicker"):
            return TickerStream(market, texts, text, is_mini=channel == "miniTicker")
        if channel == "forceOrder":
            return LiquidationStream(market, texts, text)
        if channel == "compositeIndex":
            return SilentStream(market, text)
        return None

    def _all_market(self, name: str) -> WireStream | None:
        """A stream over all symbols."""
        market, texts = self._market, self._texts
        mark = _ALL_MARKS.fullmatch(name)
        if mark is not None:
            return MarkStream(market, texts, None, 1000 if mark[1] else 3000)
        if name in ("!ticker@arr", "!miniTicker@arr"):
            return TickerStream(market, texts, None, is_mini=name == "!miniTicker@arr")
        if name == "!forceOrder@arr":
            return LiquidationStream(market, texts, None)
        if name == "!bookTicker":
            return AllQuotesStream(market, texts, None)
        return SilentStream(market, None) if name in _SILENT else None
