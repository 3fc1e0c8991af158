"""Binance's servers for USD-M public market data, without sockets.

`BinanceSide` answers REST requests with the venue's shapes, weights, limits and error bodies, and
opens the venue's end of WebSocket connections (`venue_side_stream.py`). Written from the shared
notes on Binance, by another hand than the connector, and independent of its parsers. Signed
endpoints are refused as without a valid key: accounts are not simulated yet.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.venues.binance.symbols import EXCHANGE
from headwater.venues.binance.venue_side_limits import IpLimits, Refused
from headwater.venues.binance.venue_side_market import MarketDesk
from headwater.venues.binance.venue_side_query import (
    BAD_KEY_FORMAT,
    BAD_PATH,
    REJECTED_KEY,
    TOO_MANY_REQUESTS,
    UNKNOWN,
    Query,
    Refusal,
)
from headwater.venues.binance.venue_side_stream import BinanceSocket, StreamRules
from headwater.venues.binance.venue_side_streams import StreamDesk
from headwater.venues.binance.venue_side_text import SymbolTexts
from headwater.venues.side import (
    MarketView,
    ServerReply,
    ServerRequest,
    ServerSocket,
    VenueSide,
)

KEY_HEADER = "x-mbx-apikey"
USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"

_WEBSOCKET_PATH = re.compile(r"/+(?:(public|market)/+)?(ws|stream)(?:/+(.*))?")
_SIGNED_PATH = re.compile(
    r"/fapi/v[123]/(order|batchOrders|allOpenOrders|openOrders?|allOrders|account|balance|leverage"
    r"|leverageBracket|positionRisk|marginType|listenKey|forceOrders|userTrades|income|algoOrder"
    r"|commissionRate)"
    r"(/.*)?"
)


class _Endpoint(NamedTuple):
    """One REST endpoint: what it costs where, and who answers."""

    answer: Callable[[Query], object]
    weight: Callable[[Mapping[str, str]], int]
    pool: str = "ip"


class BinanceSide(VenueSide):
    """The venue's servers over one market.

    Args:
        market: what is going on.
        rules: limits of a WebSocket connection; tests shorten them.
    """

    def __init__(self, market: MarketView, rules: StreamRules | None = None) -> None:
        self._market = market
        self._rules = rules or StreamRules()
        self._texts = SymbolTexts(market.table)
        self._streams = StreamDesk(market, self._texts)
        self._limits = IpLimits()
        self._endpoints = _endpoints(MarketDesk(market, self._texts))

    def answer(self, request: ServerRequest) -> ServerReply:
        """Answers a REST request, counting its weight against the client."""
        now_ms = self._market.now_ms()
        try:
            payload, status = self._answer(request, now_ms), 200
        except Refusal as refusal:
            payload, status = {"code": refusal.code, "msg": refusal.message}, refusal.status
        except Refused as refused:
            payload = {"code": TOO_MANY_REQUESTS, "msg": refused.message}
            headers = {"Retry-After": str(refused.retry_after_s)}
            return self._reply(refused.status, payload, request.client, now_ms, headers)
        return self._reply(status, payload, request.client, now_ms, {})

    def open(
        self,
        path: str,
        query: Sequence[tuple[str, str]],
        client: str,  # noqa: ARG002 - no documented limit of connections per IP
    ) -> ServerSocket | None:
        """Opens the venue's end of a WebSocket.

        `/public` and `/market` each take `/ws`, `/ws/<s1>/<s2>` and `/stream?streams=<s1>/<s2>`;
        without either the connection delivers what `/public` does, silently (since 2026-04-23).
        `/private` is not there: it would need an account.
        """
        found = _WEBSOCKET_PATH.fullmatch(path)
        if found is None:
            return None
        endpoint, mode, rest = found.groups()
        names = rest or ""
        if mode == "stream":
            names = "/".join(value for name, value in query if name == "streams")
        return BinanceSocket(
            desk=self._streams,
            endpoint=endpoint or "public",
            names=[name for name in names.split("/") if name],
            is_combined=mode == "stream",
            rules=self._rules,
            now_ms=self._market.now_ms(),
        )

    def breaches(self) -> int:
        """Requests refused for their number, and sockets that broke a rule."""
        return self._limits.breaches + self._streams.breaches

    def frame_marks(self, channel: Channel, symbol: str) -> tuple[str, ...]:
        """Pieces of text that the frames of a channel and symbol carry.

        A list of the whole market (`!markPrice@arr`, `!ticker@arr`) is one frame: it carries the
        pieces of every symbol in it, and is muted as a whole.

        Raises:
            NotSupported: the venue has no stream of it.
        """
        event = _EVENT_OF.get(channel)
        if event is None:
            raise NotSupported(EXCHANGE, "mute", f"there is no stream of {channel}")
        native = self._texts.of(symbol).native
        return (f'"e":"{event}"', f'"s":"{native}"')

    def trouble(self, status: int, client: str, retry_after_s: int | None) -> ServerReply:
        """The venue's words for 418, 429 and 5xx."""
        now_ms = self._market.now_ms()
        code, message = UNKNOWN, "Unknown error, please check your request or try again later."
        if status == 429:
            code, message = TOO_MANY_REQUESTS, "Too many requests."
        elif status == 418:
            until_ms = now_ms + 1000 * (retry_after_s or 0)
            code = TOO_MANY_REQUESTS
            message = f"Way too many requests; IP({client}) banned until {until_ms}."
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return self._reply(status, {"code": code, "msg": message}, client, now_ms, headers)

    def _answer(self, request: ServerRequest, now_ms: int) -> object:
        """The reply's payload.

        Raises:
            Refusal: an error body of the venue.
            Refused: over a limit.
        """
        endpoint = self._endpoints.get(request.path)
        has_key = KEY_HEADER in request.headers
        if endpoint is None or request.method != "GET":
            self._limits.charge(request.client, "ip", 1, now_ms)
            if _SIGNED_PATH.fullmatch(request.path):
                if has_key:
                    raise Refusal(
                        401, REJECTED_KEY, "Invalid API-key, IP, or permissions for action."
                    )
                raise Refusal(401, BAD_KEY_FORMAT, "API-key format invalid.")
            raise Refusal(404, BAD_PATH, f"Path {request.path}, Method {request.method} is invalid")
        weight = endpoint.weight(dict(request.query))
        self._limits.charge(request.client, endpoint.pool, weight, now_ms)
        return endpoint.answer(Query(request.query, self._texts, has_key=has_key))

    def _reply(
        self, status: int, payload: object, client: str, now_ms: int, headers: Mapping[str, str]
    ) -> ServerReply:
        return ServerReply(
            status=status,
            headers={
                "Content-Type": "application/json",
                USED_WEIGHT_HEADER: str(self._limits.used_weight(client, now_ms)),
                **headers,
            },
            body=msgspec.json.encode(payload),
        )


_EVENT_OF = {
    Channel.TRADES: "aggTrade",
    Channel.CANDLES: "kline",
    Channel.BOOK: "depthUpdate",
    Channel.QUOTES: "bookTicker",
    Channel.TICKERS: "24hrTicker",
    Channel.MARK_PRICES: "markPriceUpdate",
    Channel.LIQUIDATIONS: "forceOrder",
}


def _fixed(weight: int) -> Callable[[Mapping[str, str]], int]:
    """A weight that does not depend on parameters."""
    return lambda _: weight


def _by_symbol(one: int, every: int) -> Callable[[Mapping[str, str]], int]:
    """A weight that depends on whether a symbol is named."""
    return lambda query: one if query.get("symbol") else every


def _by_limit(default: int, *steps: tuple[int, int]) -> Callable[[Mapping[str, str]], int]:
    """A weight by `limit`: the first step whose limit is not exceeded, else the last."""

    def weigh(query: Mapping[str, str]) -> int:
        text = query.get("limit", "")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
        return next((weight for highest, weight in steps if limit <= highest), steps[-1][1])

    return weigh


_KLINE_WEIGHT = _by_limit(500, (99, 1), (499, 2), (1000, 5), (1500, 10))
_DEPTH_WEIGHT = _by_limit(500, (50, 2), (100, 5), (500, 10), (1000, 20))


def _gone(_query: Query) -> object:
    """`allForceOrders` takes no requests since 2021-04-27."""
    raise Refusal(400, UNKNOWN, "The endpoint has been out of maintenance")


def _endpoints(desk: MarketDesk) -> dict[str, _Endpoint]:
    """The public endpoints of the USD-M host."""
    return {
        "/fapi/v1/ping": _Endpoint(desk.ping, _fixed(1)),
        "/fapi/v1/time": _Endpoint(desk.time, _fixed(1)),
        "/fapi/v1/exchangeInfo": _Endpoint(desk.exchange_info, _fixed(1)),
        "/fapi/v1/klines": _Endpoint(desk.klines, _KLINE_WEIGHT),
        "/fapi/v1/continuousKlines": _Endpoint(desk.continuous_klines, _KLINE_WEIGHT),
        "/fapi/v1/markPriceKlines": _Endpoint(desk.mark_price_klines, _KLINE_WEIGHT),
        "/fapi/v1/indexPriceKlines": _Endpoint(desk.index_price_klines, _KLINE_WEIGHT),
        "/fapi/v1/trades": _Endpoint(desk.trades, _fixed(5)),
        "/fapi/v1/historicalTrades": _Endpoint(desk.historical_trades, _fixed(200)),
        "/fapi/v1/aggTrades": _Endpoint(desk.agg_trades, _fixed(20)),
        "/fapi/v1/depth": _Endpoint(desk.depth, _DEPTH_WEIGHT),
        "/fapi/v1/ticker/24hr": _Endpoint(desk.ticker_24h, _by_symbol(1, 40)),
        "/fapi/v1/ticker/price": _Endpoint(desk.ticker_price, _by_symbol(1, 2)),
        "/fapi/v2/ticker/price": _Endpoint(desk.ticker_price, _by_symbol(1, 2)),
        "/fapi/v1/ticker/bookTicker": _Endpoint(desk.book_ticker, _by_symbol(2, 5)),
        "/fapi/v1/openInterest": _Endpoint(desk.open_interest, _fixed(1)),
        "/fapi/v1/premiumIndex": _Endpoint(desk.premium_index, _by_symbol(1, 10)),
        "/fapi/v1/fundingRate": _Endpoint(desk.funding_rate, _fixed(1), "funding"),
        "/fapi/v1/fundingInfo": _Endpoint(desk.funding_info, _fixed(1), "funding"),
        "/fapi/v1/allForceOrders": _Endpoint(_gone, _fixed(20)),
        "/futures/data/openInterestHist": _Endpoint(desk.open_interest_history, _fixed(1), "data"),
    }
