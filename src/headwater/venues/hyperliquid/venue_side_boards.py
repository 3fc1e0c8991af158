"""Hyperliquid's `POST /info` over a simulated market: replies, weights, errors.

Written from the notes on Hyperliquid and its recordings, not from the parser. What differs from
the venue: prices follow the simulated market's tick (more than five significant figures of dear
coins); funding of an eight-hour market is shown as eight equal hours; leverage and premium are
invented; there is no spot and no builder's exchange; addresses are numbers of positions.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier
from headwater.core.numbers import places_of
from headwater.core.records import Candle, Trade
from headwater.venues.hyperliquid.venue_side_accounts import account_of, trader_of, trimmed
from headwater.venues.side import MarketView
from headwater.venues.side_desk import SymbolText

_NAMES: Final = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
INTERVALS: Final[Mapping[str, Interval]] = {name: Interval(name) for name in _NAMES}
CANDLES: Final = 5000
FUNDINGS: Final = 500
RECENT: Final = 30
LEVELS: Final = 20
LIGHT: Final = frozenset({"l2Book", "allMids", "clearinghouseState", "orderStatus",
                          "spotClearinghouseState", "exchangeStatus"})  # fmt: skip

_HOUR_MS: Final = 3_600_000
_USUAL_HOURS: Final = 8.0
_TABLES_FROM: Final = 50
"""The first id of a margin table that is listed; below it an id is a leverage."""
_EMPTY_LISTS: Final = ("userFills", "userFillsByTime", "openOrders", "frontendOpenOrders",
                       "historicalOrders", "userFunding")  # fmt: skip
_MALFORMED: Final = "Failed to deserialize the JSON body into the target type"


class Refusal(PlatformError):
    """A request that gets an error.

    Args:
        status: HTTP status.
        body: what is said.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body


def malformed() -> Refusal:
    """A body that is no request."""
    return Refusal(422, _MALFORMED.encode())


def digest_of(*parts: object) -> bytes:
    """32 bytes that the parts decide."""
    return hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=32).digest()


def number_of(digest: bytes) -> int:
    """A 50-bit number of a digest."""
    return int.from_bytes(digest[:7], "big") >> 6


def trade_row(trade: Trade, text: SymbolText) -> str:
    """A fill as JSON: its id, hash and the two addresses follow from its number."""
    digest = digest_of(trade.symbol, trade.sequence)
    buyer, seller = digest_of("buyer", digest.hex()), digest_of("seller", digest.hex())
    return (
        f'{{"coin":"{text.native}","side":"{"B" if trade.side == "buy" else "A"}",'
        f'"px":"{trimmed(trade.price, text.price_places)}",'
        f'"sz":"{trimmed(trade.quantity, text.size_places)}","time":{trade.timestamp_ms},'
        f'"hash":"0x{digest.hex()}","tid":{number_of(digest)},'
        f'"users":["0x{buyer[:20].hex()}","0x{seller[:20].hex()}"]}}'
    )


def candle_row(row: Candle, text: SymbolText) -> str:
    """A candle as JSON."""
    opened_ms, places = row.timestamp_ms, text.price_places
    return (
        f'{{"t":{opened_ms},"T":{row.interval.closes_at_ms(opened_ms) - 1},"s":"{text.native}",'
        f'"i":"{row.interval.value}","o":"{trimmed(row.open, places)}",'
        f'"c":"{trimmed(row.close, places)}","h":"{trimmed(row.high, places)}",'
        f'"l":"{trimmed(row.low, places)}","v":"{trimmed(row.volume, text.size_places)}",'
        f'"n":{row.trades_count or 0}}}'
    )


def level_row(level: tuple[float, float], text: SymbolText) -> str:
    """A level as JSON; the number of orders is invented."""
    price, size = level
    return (
        f'{{"px":"{trimmed(price, text.price_places)}",'
        f'"sz":"{trimmed(size, text.size_places)}","n":{1 + int(size * 7) % 5}}}'
    )


def book_row(market: MarketView, text: SymbolText) -> str:
    """The book as JSON."""
    book = market.book(text.symbol, LEVELS)
    sides = [
        ",".join([level_row(one, text) for one in levels]) for levels in (book.bids, book.asks)
    ]
    return (
        f'{{"coin":"{text.native}","time":{market.now_ms()},"levels":[[{sides[0]}],[{sides[1]}]]}}'
    )


def mid_of(market: MarketView, text: SymbolText) -> float | None:
    """Middle of the best prices; None when a side is empty."""
    book = market.book(text.symbol, 1)
    return (book.bids[0][0] + book.asks[0][0]) / 2 if book.bids and book.asks else None


def hourly_rate(market: MarketView, symbol: str) -> float:
    """The running rate, of an hour."""
    return (market.mark_price(symbol).funding_rate or 0.0) / _hours(market, symbol)


def context_of(market: MarketView, text: SymbolText) -> dict[str, Any]:
    """A coin's context."""
    mark, day = market.mark_price(text.symbol), market.day_stats(text.symbol)
    places = text.price_places
    mid = mid_of(market, text)
    index = mark.mark if mark.index is None else mark.index
    interest = market.open_interest(text.symbol).open_interest
    impact = None if mid is None else [trimmed(mid * one, places) for one in (0.9998, 1.0002)]
    return {
        "funding": f"{hourly_rate(market, text.symbol):.10f}",
        "openInterest": trimmed(interest, text.size_places),
        "prevDayPx": trimmed(day.open, places),
        "dayNtlVlm": trimmed(day.quote_volume, 6),
        "premium": f"{(mark.mark / index - 1):.10f}",
        "oraclePx": trimmed(index, places + 1),
        "markPx": trimmed(mark.mark, places + 1),
        "midPx": None if mid is None else trimmed(mid, places + 1),
        "impactPxs": impact,
        "dayBaseVlm": trimmed(day.volume, text.size_places),
    }


def _hours(market: MarketView, symbol: str) -> float:
    """Hours between the market's settlements."""
    last = market.funding_history(symbol, limit=1)
    return (last[0].interval_h if last else None) or _USUAL_HOURS


class Boards:
    """Replies by the type of the request.

    Args:
        market: what is going on.
        texts: the coins.
    """

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText]) -> None:
        self._market = market
        self._texts = texts
        self._kinds: dict[str, Callable[[dict[str, Any]], tuple[bytes, int]]] = {
            "meta": lambda _: _said(self._meta()),
            "metaAndAssetCtxs": lambda _: _said([self._meta(), self._contexts()]),
            "allMids": lambda _: _said(self.mids()),
            "l2Book": self._book,
            "candleSnapshot": self._candles,
            "recentTrades": self._trades,
            "fundingHistory": self._fundings,
            "predictedFundings": lambda _: _said(self._predictions()),
            "perpDexs": lambda _: _said([None]),
            "exchangeStatus": lambda _: _said({"time": market.now_ms(), "specialStatuses": None}),
            "spotMeta": lambda _: _said(_SPOT),
            "spotMetaAndAssetCtxs": lambda _: _said([_SPOT, []]),
            "clearinghouseState": self._account,
            "spotClearinghouseState": lambda _: _said({"balances": []}),
            **dict.fromkeys(_EMPTY_LISTS, lambda _: _said([])),
        }

    def reply(self, request: object) -> tuple[bytes, int]:
        """The reply and the extra weight of its rows.

        Raises:
            Refusal: malformed, or of an unknown coin.
        """
        kind = request.get("type") if isinstance(request, dict) else None
        make = self._kinds.get(kind) if isinstance(kind, str) else None
        if make is None or not isinstance(request, dict):
            raise malformed()
        return make(request)

    def mids(self) -> dict[str, str]:
        """Middle prices by coin."""
        found = {coin: mid_of(self._market, text) for coin, text in self._texts.items()}
        return {
            coin: trimmed(mid, self._texts[coin].price_places + 1)
            for coin, mid in found.items()
            if mid is not None
        }

    def _meta(self) -> dict[str, Any]:
        ids: dict[tuple[MarginTier, ...], int] = {}
        universe = []
        for coin, text in self._texts.items():
            tiers = self._market.margin_tiers(text.symbol)
            universe.append(
                {
                    "szDecimals": places_of(text.instrument.quantity_step),
                    "name": coin,
                    "maxLeverage": int(tiers[0].leverage_max),
                    "marginTableId": ids.setdefault(tiers, _TABLES_FROM + len(ids)),
                }
            )
        tables = [[number, _margin_table(tiers)] for tiers, number in ids.items()]
        return {"universe": universe, "marginTables": tables, "collateralToken": 0}

    def _contexts(self) -> list[dict[str, Any]]:
        return [context_of(self._market, text) for text in self._texts.values()]

    def _book(self, request: dict[str, Any]) -> tuple[bytes, int]:
        return book_row(self._market, self._coin(request)).encode(), 0

    def _candles(self, request: dict[str, Any]) -> tuple[bytes, int]:
        asked = request.get("req")
        if not isinstance(asked, dict) or asked.get("interval") not in INTERVALS:
            raise malformed()
        text, interval = self._coin(asked), INTERVALS[asked["interval"]]
        now_ms = self._market.now_ms()
        start_ms = _time(asked, "startTime")
        end_ms = min(_time(asked, "endTime", now_ms), now_ms)
        oldest_ms = interval.opens_at_ms(now_ms) - (CANDLES - 1) * interval.nominal_ms
        start_ms = max(start_ms, oldest_ms)
        rows = (
            self._market.candles(
                text.symbol, interval, limit=CANDLES, start_ms=start_ms, end_ms=end_ms
            )
            if start_ms <= end_ms
            else []
        )
        body = f"[{','.join([candle_row(row, text) for row in rows])}]"
        return body.encode(), len(rows) // 60

    def _trades(self, request: dict[str, Any]) -> tuple[bytes, int]:
        text = self._coin(request)
        prints = self._market.prints(text.symbol, limit=RECENT)
        rows = [trade_row(one.trade, text) for one in reversed(prints)]
        return f"[{','.join(rows)}]".encode(), len(rows) // 20

    def _fundings(self, request: dict[str, Any]) -> tuple[bytes, int]:
        text, market = self._coin(request), self._market
        now_ms = market.now_ms()
        start_ms = _time(request, "startTime")
        end_ms = min(_time(request, "endTime", now_ms), now_ms)
        hours = int(_hours(market, text.symbol))
        paid = {
            one.funding_time_ms - back * _HOUR_MS: one.rate / hours
            for one in market.funding_history(text.symbol, limit=FUNDINGS, start_ms=start_ms)
            for back in range(hours)
        }
        last = market.funding_history(text.symbol, limit=1)
        if last:
            rate = hourly_rate(market, text.symbol)
            first_ms = last[0].funding_time_ms + _HOUR_MS
            paid |= dict.fromkeys(range(first_ms, now_ms + 1, _HOUR_MS), rate)
        times = [one for one in sorted(paid) if start_ms <= one <= end_ms][:FUNDINGS]
        rows = [
            {"coin": text.native, "fundingRate": f"{paid[one]:.10f}", "premium": "0.0", "time": one}
            for one in times
        ]
        return msgspec.json.encode(rows), len(rows) // 20

    def _account(self, request: dict[str, Any]) -> tuple[bytes, int]:
        trader = trader_of(request.get("user"))
        if trader is None:
            raise malformed()
        return _said(account_of(self._market, self._texts.values(), trader))

    def _predictions(self) -> list[Any]:
        next_ms = (self._market.now_ms() // _HOUR_MS + 1) * _HOUR_MS
        return [
            [
                coin,
                [
                    [
                        "HlPerp",
                        {
                            "fundingRate": f"{hourly_rate(self._market, text.symbol):.10f}",
                            "nextFundingTime": next_ms,
                            "fundingIntervalHours": 1,
                        },
                    ]
                ],
            ]
            for coin, text in self._texts.items()
        ]

    def _coin(self, request: dict[str, Any]) -> SymbolText:
        coin = request.get("coin")
        if not isinstance(coin, str):
            raise malformed()
        text = self._texts.get(coin)
        if text is None:
            raise Refusal(500, b"null")
        return text


_SPOT: Final[dict[str, Any]] = {
    "universe": [],
    "tokens": [
        {
            "name": "USDC",
            "szDecimals": 8,
            "weiDecimals": 8,
            "index": 0,
            "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
            "isCanonical": True,
            "evmContract": None,
            "fullName": None,
        }
    ],
}


def _said(value: object) -> tuple[bytes, int]:
    return msgspec.json.encode(value), 0


def _time(request: dict[str, Any], name: str, usual: int | None = None) -> int:
    """A time of a request.

    Raises:
        Refusal: it is missing or no number.
    """
    value = request.get(name)
    if value is None and usual is not None:
        return usual
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise malformed()
    return value


def _margin_table(tiers: tuple[MarginTier, ...]) -> dict[str, Any]:
    """Where each tier begins and its leverage; the venue names no rates."""
    rows = [
        {"lowerBound": f"{tier.notional_floor:.1f}", "maxLeverage": int(tier.leverage_max)}
        for tier in tiers
    ]
    return {"description": f"tiered {rows[0]['maxLeverage']}x", "marginTiers": rows}
