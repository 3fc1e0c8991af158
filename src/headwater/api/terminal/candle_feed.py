"""The candles of one contract and length, kept once for all who look at them (O-W3).

Who comes gets as many of the newest ones as the chart is wide, then every candle that is new, has
changed, has closed or was corrected. What an interruption left out is asked for and sent as
updates. A candle may lack its closing message for a moment; after that it is asked for.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, cast

import msgspec

from headwater.analytics.chart_candles import COUNT_MAX, ChartCandles
from headwater.api.candle_question import find_candles
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.candles import (
    HistoricalCandlesView,
    LoadHistoryRequest,
    TerminalCandleView,
    candle_update,
    chart_symbol,
    terminal_candle,
    time_range,
)
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.history_feed import HistoryFeed
from headwater.api.terminal.symbols import TerminalSymbol
from headwater.bus.topics import SlowPolicy
from headwater.core.enums import Channel
from headwater.core.errors import PlatformError
from headwater.core.formatting import SymbolFormat
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Record
from headwater.services.candle_history import CandleHistory, FoundCandles

SETTLE_S: Final = 2.0
"""A candle may lack its closing message for so long after the next one has begun."""

NEWEST_PATIENCE_S: Final = 4.0
"""Longest wait for the venue's newest candles; then storage answers alone."""

OLDER_PATIENCE_S: Final = 10.0
"""The same for older ones, for which nothing else waits."""

_ENCODED_MAX: Final = 2 * COUNT_MAX


class CandlesFeed(HistoryFeed):
    """The candles of one contract and length, for everybody who looks at them.

    Args:
        desk: where it lives.
        contract: whose candles.
        interval: length of a candle.
        stored: past candles; None where nothing is stored.
        count: candles of the first client.
    """

    def __init__(
        self,
        desk: FeedDesk,
        contract: TerminalSymbol,
        interval: Interval,
        stored: CandleHistory | None,
        count: int,
    ) -> None:
        key = self.key_of(contract, interval)
        super().__init__(desk, key, contract, Channel.CANDLES, Candle, interval)
        self.interval = interval
        self._stored = stored
        self._chart = ChartCandles(interval)
        self._count = count
        self._reached = 0
        self._missing = ""
        self._news: list[Candle] = []
        self._rows: dict[int, tuple[Candle, msgspec.Raw]] = {}
        self._is_cut = True
        self._given_up_ms = -1
        self._topic = self.topic("", SlowPolicy.DROP_OLDEST)

    @staticmethod
    def key_of(contract: TerminalSymbol, interval: Interval) -> str:
        """Names it among all feeds."""
        return f"candles/{contract.name}:{interval}"

    @property
    def topic_key(self) -> str:
        """Key of the topic that brings the updates."""
        return self._topic.key

    async def load(self) -> bool:
        """Takes the newest candles; when there are some, those since the first unsettled one."""
        if not self._reached:
            await self.reach(self._count)
            self.begin_anew()
        elif self._is_cut or not self._is_settled():
            await self._catch_up()
        return self._is_settled()

    async def reach(self, count: int) -> None:
        """Sees to it that the series has the newest `count` candles, or all there are.

        Raises:
            PlatformError: they cannot be had.
        """
        if self._reached >= count:
            return
        found = await self._find(count)
        known = self._chart.newest(COUNT_MAX)
        # What is older than all that was known is no news to those who look at it already.
        first_ms = known[0].timestamp_ms if self._reached and known else _after(found.candles)
        self._news += [
            one for one in self._chart.take_all(found.candles) if one.timestamp_ms >= first_ms
        ]
        self._reached = max(self._reached, count)
        self._missing = found.missing
        await self._prepare()

    def has(self, count: int) -> bool:
        """Whether the newest `count` candles are there, or all there are."""
        return self._reached >= count or len(self._chart) >= count

    def hear(self, record: Record) -> None:
        """Takes a live candle."""
        assert isinstance(record, Candle), "the reader brings no others"
        if record.interval is not self.interval:
            return
        if self._chart.take(record):
            self._news.append(record)
        if self._is_settled():
            self._is_cut = False
        elif not self._is_cut:
            self.ask_in(SETTLE_S)
        elif not self.is_failing:
            self.ask()

    def interrupted(self) -> None:
        """Live candles may be missing."""
        self._is_cut = True
        self._given_up_ms = -1

    def resumed(self) -> None:
        """What was missed before the stream flowed can be asked for now."""
        if self._is_cut:
            self.ask()

    def give_up(self, problem: PlatformError | None) -> PlatformError | None:
        """The venue lists no candle there: on some, a minute without a trade has none."""
        if problem is None:
            self._given_up_ms = self._chart.newest(1)[0].timestamp_ms
            self._is_cut = False
        return problem

    def show(self) -> None:
        """Publishes what is new, oldest first."""
        news, self._news = self._news, []
        for candle in sorted(news, key=lambda one: one.timestamp_ms):
            if self._topic.has_subscribers:
                self._topic.publish(encode(candle_update(candle, self.contract.format)))

    def newest(self, count: int) -> bytes:
        """The newest candles as they are sent."""
        candles = self._chart.newest(count)
        return self._historical(candles, map(self._row, candles), incomplete=self._missing)

    async def older(self, request: LoadHistoryRequest) -> bytes:
        """Candles to the left of a chart, as they are sent.

        Raises:
            PlatformError: they cannot be had.
        """
        found = FoundCandles(candles=[])
        listed_ms = self.contract.instrument.listed_at_ms or 0
        if request.before > listed_ms:
            # One more than is wanted tells whether there is anything older.
            end_ms = request.before - 1
            found = await self._find(request.limit + 1, None, end_ms, OLDER_PATIENCE_S)
        rows = [one for one in found.candles if one.timestamp_ms < request.before]
        page = rows[-request.limit :]
        return self._historical(
            page,
            await asyncio.to_thread(_encoded, page, self.contract.format),
            incomplete=found.missing,
            before=request.before,
            is_last=len(rows) <= request.limit and not found.missing,
        )

    def _historical(
        self,
        candles: Sequence[Candle],
        rows: Iterable[msgspec.Raw],
        *,
        incomplete: str,
        before: int | None = None,
        is_last: bool | None = None,
    ) -> bytes:
        """A message of past candles.

        Args:
            candles: oldest first.
            rows: the same, encoded.
            incomplete: what is missing and why; empty when nothing is.
            before: what `load_history` asked for.
            is_last: whether there is nothing older.
        """
        data = tuple(rows)
        return encode(
            HistoricalCandlesView(
                exchange=self.contract.exchange,
                symbol=self.contract.symbol,
                timeframe=self.interval,
                data=cast("tuple[TerminalCandleView, ...]", data),  # encoded already
                count=len(data),
                time_range=time_range(candles),
                symbol_data=chart_symbol(self.contract.format),
                before=msgspec.UNSET if before is None else before,
                is_last=msgspec.UNSET if is_last is None else is_last,
                incomplete=incomplete or msgspec.UNSET,
            )
        )

    async def _catch_up(self) -> None:
        """Takes what there is since the first unsettled candle, or the last one."""
        since_ms = self._chart.unsettled_ms(self._given_up_ms)
        if since_ms is None:
            last = self._chart.newest(1)
            since_ms = last[0].timestamp_ms if last else None
        lacking = self._count
        if since_ms is not None:
            passed_ms = self.desk.clock.now_ms() - since_ms
            # Of months the nominal length is shorter than most: one more for that, one for clocks.
            lacking = max(0, passed_ms) // self.interval.nominal_ms + 3
        if lacking > COUNT_MAX:
            since_ms, lacking = None, self._count
        found = await self._find(lacking, start_ms=since_ms)
        self._news += self._chart.take_all(found.candles)

    async def _find(
        self,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        patience_s: float = NEWEST_PATIENCE_S,
    ) -> FoundCandles:
        return await find_candles(
            self._stored,
            self.contract.source,
            self.contract.instrument,
            self.interval,
            limit=limit,
            start_ms=start_ms,
            end_ms=end_ms,
            patience_s=patience_s,
        )

    def _is_settled(self) -> bool:
        """Whether nothing lacks but what the venue was asked for in vain."""
        return self._chart.unsettled_ms(self._given_up_ms) is None

    async def _prepare(self) -> None:
        """Encodes what has not been yet, away from the event loop: a page takes many ms."""
        lacking = [one for one in self._chart.newest(COUNT_MAX) if self._known_row(one) is None]
        rows = await asyncio.to_thread(_encoded, lacking, self.contract.format)
        for candle, row in zip(lacking, rows, strict=True):
            self._remember(candle, row)

    def _row(self, candle: Candle) -> msgspec.Raw:
        """A candle of the series as it is sent, encoded once while it does not change."""
        row = self._known_row(candle)
        if row is None:
            (row,) = _encoded([candle], self.contract.format)
            self._remember(candle, row)
        return row

    def _known_row(self, candle: Candle) -> msgspec.Raw | None:
        known = self._rows.get(candle.timestamp_ms)
        return known[1] if known is not None and known[0] is candle else None

    def _remember(self, candle: Candle, row: msgspec.Raw) -> None:
        if self._chart.holds(candle):
            if len(self._rows) >= _ENCODED_MAX:
                held = (one for one in self._rows.items() if self._chart.holds(one[1][0]))
                self._rows = dict(held)
            self._rows[candle.timestamp_ms] = (candle, row)


def _encoded(candles: Sequence[Candle], written: SymbolFormat) -> list[msgspec.Raw]:
    return [msgspec.Raw(encode(terminal_candle(one, written))) for one in candles]


def _after(candles: Sequence[Candle]) -> int:
    """A time after all of some candles, ms."""
    return candles[-1].timestamp_ms + 1 if candles else 0
