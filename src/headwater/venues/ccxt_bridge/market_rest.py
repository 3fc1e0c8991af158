"""Market data by ccxt's unified methods, as our records.

Amounts of ccxt are contracts where a contract is not one base unit: they are multiplied by its
size. Volumes of candles and tickers are base units by ccxt's convention; how well that holds
differs by exchange, which is why the venue is marked as bridged.
"""

# ruff: noqa: ARG002 - the contract names parameters that a refusal does not use

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from headwater.core.enums import Side
from headwater.core.errors import NotSupported, WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.venues.base import MarketRest
from headwater.venues.ccxt_bridge.conversation import Conversation
from headwater.venues.ccxt_bridge.symbols import instrument_of, is_served
from headwater.venues.messages import RestCall

CANDLES_MAX: Final = 200
"""Candles of one request: what nearly every exchange gives."""
TRADES_MAX: Final = 500
FUNDING_MAX: Final = 100

_NS_PER_MS: Final = 1_000_000
_TEXT_CUT: Final = 200
_UNREADABLE: Final = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)

Row = Mapping[str, Any]


class CcxtMarketRest(MarketRest):
    """REST calls of one bridged exchange.

    Args:
        venue_id: our id of the exchange.
        conversation: its ccxt object.
        table: the instruments.
    """

    def __init__(self, venue_id: str, conversation: Conversation, table: InstrumentTable) -> None:
        self._venue_id = venue_id
        self._talk = conversation
        self._table = table

    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, ms since the epoch.

        Raises:
            NotSupported: ccxt knows no clock of this exchange.
        """
        self._need("fetchTime")
        answer = yield from self._talk.call("fetch_time")
        return int(answer)

    def instruments(self) -> RestCall[list[Instrument]]:
        """All linear perpetuals that are listed."""
        markets = yield from self._talk.call("load_markets", True)
        mode = self._talk.exchange.precisionMode
        with self._reading("load_markets"):
            return [
                instrument_of(
                    self._venue_id,
                    market,
                    decimal_places=mode == _DECIMAL_PLACES,
                    received_ns=self._talk.received_ns,
                )
                for market in markets.values()
                if is_served(market)
            ]

    def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        now_ms: int,
    ) -> RestCall[list[Candle]]:
        """Up to `limit` candles, in pages that go forward."""
        last_ms = now_ms if end_ms is None else min(end_ms, now_ms)
        # One more than wanted: months are of several lengths.
        since_ms = interval.opens_at_ms(last_ms) - limit * interval.nominal_ms
        since_ms = max(since_ms, 0) if start_ms is None else start_ms
        found: dict[int, Candle] = {}
        while since_ms <= last_ms and (start_ms is None or len(found) < limit):
            page = min(CANDLES_MAX, limit + 1)
            rows = yield from self._talk.call(
                "fetch_ohlcv", instrument.native_symbol, interval.value, since_ms, page
            )
            with self._reading("fetch_ohlcv"):
                fresh = [row for row in rows if since_ms <= row[0] <= last_ms]
                for row in fresh:
                    found[int(row[0])] = self._candle(instrument, interval, row, now_ms)
            if not fresh:
                break
            since_ms = int(fresh[-1][0]) + 1
        ordered = [found[opened_ms] for opened_ms in sorted(found)]
        return ordered[:limit] if start_ms is not None else ordered[-limit:]

    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest trades that one request gives."""
        rows = yield from self._talk.call(
            "fetch_trades", instrument.native_symbol, None, min(limit, TRADES_MAX)
        )
        with self._reading("fetch_trades"):
            return [self._trade(instrument, row) for row in rows][-limit:]

    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Not here: ccxt does not say that ids count without holes.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self._venue_id, "trades_between", "trades are not counted")

    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book in the exchange's own default depth, cut to `depth`."""
        row = yield from self._talk.call("fetch_order_book", instrument.native_symbol)
        size = instrument.contract_size
        with self._reading("fetch_order_book"):
            sequence = row.get("nonce")
            return BookSnapshot(
                **self._head(instrument, row.get("timestamp")),
                bids=_levels(row["bids"], size)[:depth],
                asks=_levels(row["asks"], size)[:depth],
                sequence=sequence if isinstance(sequence, int) else None,
            )

    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument, or of all where the exchange gives all at once."""
        if instrument is not None:
            self._need("fetchTicker")
            row = yield from self._talk.call("fetch_ticker", instrument.native_symbol)
            with self._reading("fetch_ticker"):
                return [self._ticker(instrument, row)]
        self._need("fetchTickers")
        rows = yield from self._talk.call("fetch_tickers", self._natives())
        with self._reading("fetch_tickers"):
            return [self._ticker(one, row) for one, row in self._known(rows.values())]

    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark, index and coming funding, from the funding rates."""
        if instrument is not None:
            self._need("fetchFundingRate")
            row = yield from self._talk.call("fetch_funding_rate", instrument.native_symbol)
            with self._reading("fetch_funding_rate"):
                found = self._mark_price(instrument, row)
                return [] if found is None else [found]
        self._need("fetchFundingRates")
        rows = yield from self._talk.call("fetch_funding_rates", self._natives())
        with self._reading("fetch_funding_rates"):
            made = [self._mark_price(one, row) for one, row in self._known(rows.values())]
            return [one for one in made if one is not None]

    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now, in the units that ccxt gives."""
        self._need("fetchOpenInterest")
        row = yield from self._talk.call("fetch_open_interest", instrument.native_symbol)
        with self._reading("fetch_open_interest"):
            amount = _number(row, "openInterestAmount")
            if amount is None:
                raise NotSupported(self._venue_id, "open_interest", "only its value is published")
            return OpenInterest(
                **self._head(instrument, row.get("timestamp")),
                open_interest=amount,
                value=_number(row, "openInterestValue"),
            )

    def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[OpenInterest]]:
        """Not bridged.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(self._venue_id, "open_interest_history", "the bridge has none")

    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The rate of the coming settlement."""
        self._need("fetchFundingRate")
        row = yield from self._talk.call("fetch_funding_rate", instrument.native_symbol)
        with self._reading("fetch_funding_rate"):
            return self._funding(instrument, row)

    def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[FundingRate]]:
        """Past settlements of one request."""
        self._need("fetchFundingRateHistory")
        rows = yield from self._talk.call(
            "fetch_funding_rate_history",
            instrument.native_symbol,
            start_ms,
            min(limit, FUNDING_MAX),
        )
        with self._reading("fetch_funding_rate_history"):
            found = [self._funding(instrument, row) for row in rows]
        kept = [one for one in found if end_ms is None or one.funding_time_ms <= end_ms]
        return kept[:limit] if start_ms is not None else kept[-limit:]

    @contextmanager
    def _reading(self, method: str) -> Iterator[None]:
        """Where what ccxt returned is read: a part that is missing or odd is a `WireError`."""
        try:
            yield
        except _UNREADABLE as error:
            problem = f"{type(error).__name__}: {error}"
            raise WireError(self._venue_id, method, problem[:_TEXT_CUT], b"") from error

    def _need(self, method: str) -> None:
        """Refuses what ccxt does not offer for this exchange."""
        if not self._talk.exchange.has.get(method):
            raise NotSupported(self._venue_id, method, "ccxt offers it not for this exchange")

    def _natives(self) -> list[str] | None:
        """Symbols for methods that want them named."""
        return [one.native_symbol for one in self._table] or None

    def _known(self, rows: Iterable[Row]) -> Iterable[tuple[Instrument, Row]]:
        """Rows of instruments that we know."""
        for row in rows:
            instrument = self._table.by_native(row.get("symbol") or "")
            if instrument is not None:
                yield instrument, row

    def _head(self, instrument: Instrument, timestamp_ms: int | None) -> dict[str, Any]:
        """What every record begins with; the time of its reply where the exchange gives none."""
        received_ns = self._talk.received_ns
        return {
            "exchange": self._venue_id,
            "symbol": instrument.symbol,
            "native_symbol": instrument.native_symbol,
            "timestamp_ms": int(timestamp_ms or received_ns // _NS_PER_MS),
            "received_ns": received_ns,
        }

    def _candle(self, instrument: Instrument, interval: Interval, row: Any, now_ms: int) -> Candle:
        opened_ms, opened, high, low, close, volume = row[:6]
        return Candle(
            **self._head(instrument, opened_ms),
            interval=interval,
            open=float(opened),
            high=float(high),
            low=float(low),
            close=float(close),
            volume=float(volume or 0.0),
            quote_volume=None,
            trades_count=None,
            is_closed=interval.closes_at_ms(int(opened_ms)) <= now_ms,
        )

    def _trade(self, instrument: Instrument, row: Row) -> Trade:
        price, amount, side = row.get("price"), row.get("amount"), row.get("side")
        if price is None or amount is None or side is None:
            raise WireError(self._venue_id, "fetch_trades", "a trade lacks a part", str(dict(row)))
        quantity = float(amount) * instrument.contract_size
        stamp_ms = row.get("timestamp")
        return Trade(
            **self._head(instrument, stamp_ms),
            side=Side(side),
            price=float(price),
            quantity=quantity,
            value=float(price) * quantity,
            trade_id=row.get("id") or f"{stamp_ms}:{side}:{price}:{amount}",
            sequence=None,
        )

    def _ticker(self, instrument: Instrument, row: Row) -> Ticker:
        size, change = instrument.contract_size, _number(row, "percentage")
        bid_contracts, ask_contracts = _number(row, "bidVolume"), _number(row, "askVolume")
        return Ticker(
            **self._head(instrument, row.get("timestamp")),
            bid=_number(row, "bid"),
            ask=_number(row, "ask"),
            last=_number(row, "last"),
            volume_24h=_number(row, "baseVolume"),
            quote_volume_24h=_number(row, "quoteVolume"),
            change_24h=None if change is None else change / 100,
            bid_quantity=None if bid_contracts is None else bid_contracts * size,
            ask_quantity=None if ask_contracts is None else ask_contracts * size,
        )

    def _mark_price(self, instrument: Instrument, row: Row) -> MarkPrice | None:
        mark = _number(row, "markPrice")
        if mark is None:
            return None
        return MarkPrice(
            **self._head(instrument, row.get("timestamp")),
            mark=mark,
            index=_number(row, "indexPrice"),
            funding_rate=_number(row, "fundingRate"),
            next_funding_ms=row.get("fundingTimestamp") or row.get("nextFundingTimestamp"),
        )

    def _funding(self, instrument: Instrument, row: Row) -> FundingRate:
        rate = _number(row, "fundingRate")
        if rate is None:
            raise WireError(self._venue_id, "fetch_funding_rate", "no rate", str(dict(row)))
        hours = str(row.get("interval") or "").removesuffix("h")
        when_ms = row.get("fundingTimestamp") or row.get("timestamp") or 0
        return FundingRate(
            **self._head(instrument, row.get("timestamp")),
            rate=rate,
            interval_h=float(hours) if hours.isdecimal() else None,
            funding_time_ms=int(when_ms),
        )


_DECIMAL_PLACES: Final = 2  # ccxt's name of the mode in which precisions are counts of digits


def _number(row: Row, name: str) -> float | None:
    value = row.get(name)
    return None if value is None else float(value)


def _levels(rows: Iterable[Any], size: float) -> tuple[Level, ...]:
    return tuple([(float(row[0]), float(row[1]) * size) for row in rows if row[1]])
