"""Past liquidations: single ones, their volume by time, and the realised heat map.

What the platform heard lies in storage; what still waits for the writer is written before a
question is answered, so that history and the running bucket are one series from one source. Sums
are made by `analytics` from columns, in a reader's thread, and are those of single events to the
last digit.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.liquidation_heatmap import COLUMNS_KEPT
from headwater.analytics.liquidation_volume import BUCKETS_KEPT, LiquidationVolume
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.realised_map import RealisedMap, RealisedTally
from headwater.analytics.volume_tally import VolumeTally, step_of
from headwater.core.clock import Clock
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.storage import liquidations
from headwater.storage.base import Span
from headwater.storage.liquidation_days import Wanted as Wanted  # noqa: PLC0414 - of this module's face
from headwater.storage.liquidation_days import portions
from headwater.storage.sessions import Snapshot
from headwater.storage.store import Store

_DAY_MS: Final = 86_400_000

GRACE_MS: Final = 10_000
"""A bar's column is frozen so long after its end. What was received later is late: it is told, and
changes no cell. Venues gather liquidations for a second at most before they send them."""


class LiquidationHistory:
    """Answers questions about past liquidations.

    Args:
        store: where they lie.
        clock: tells which bars have ended.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def newest(
        self, wanted: Wanted, *, limit: int, value_min_usd: float = 0.0
    ) -> Sequence[Liquidation]:
        """The newest liquidations, newest first.

        Args:
            wanted: which.
            limit: most of them.
            value_min_usd: least value of each.

        Raises:
            StorageError: the database does not answer.
        """
        await self._store.written()
        span = Span(start_ms=wanted.start_ms, end_ms=wanted.end_ms, limit=limit, newest_first=True)
        query = liquidations.between(
            span, symbol=wanted.symbol, exchanges=wanted.chosen, value_min_usd=value_min_usd
        )
        return await self._store.fetch(query)

    async def largest(
        self,
        span: Span,
        *,
        symbols: Sequence[str],
        exchanges: Sequence[str],
        value_min_usd: float = 0.0,
    ) -> Sequence[Liquidation]:
        """The liquidations of the greatest value, the largest first; of equal ones the newest.

        Args:
            span: when and how many.
            symbols: canonical symbols.
            exchanges: venue ids.
            value_min_usd: least value of each.

        Raises:
            StorageError: the database does not answer.
        """
        await self._store.written()
        query = liquidations.largest(
            span, symbols=symbols, exchanges=exchanges, value_min_usd=value_min_usd
        )
        return await self._store.fetch(query)

    async def first_ms(self, symbol: str) -> int | None:
        """When the earliest stored liquidation of a symbol was, ms; None without any.

        Raises:
            StorageError: the database does not answer.
        """
        (found,) = await self._store.fetch(liquidations.first_time(symbol))
        return found

    async def volumes(
        self, wanted: Wanted, interval: Interval, *, value_min_usd: float = 0.0
    ) -> Sequence[LiquidationVolume]:
        """Liquidated volume per bucket of time, oldest first, empty ones as zero.

        Args:
            wanted: which liquidations.
            interval: length of a bucket.
            value_min_usd: least value of each liquidation that counts.

        Raises:
            RequestError: more than `BUCKETS_KEPT` buckets, or too many events that are not summed
                yet.
            StorageError: the database does not answer.
        """
        _demand_columns(wanted, interval, BUCKETS_KEPT)
        end_ms = self._end_of(wanted)
        if wanted.start_ms >= end_ms:
            return ()
        await self._store.written()
        until = msgspec.structs.replace(wanted, end_ms=end_ms)
        # Sums have no single values any more.
        step_ms = step_of(interval) if value_min_usd <= 0 else None

        def gather(state: Snapshot) -> Sequence[LiquidationVolume]:
            tally = VolumeTally(interval, wanted.start_ms, end_ms)
            for portion in portions(state, until, step_ms=step_ms):
                if isinstance(portion, LiquidationColumns):
                    tally.add(portion.at_least(value_min_usd))
                else:
                    tally.add_sums(portion)
            return tally.buckets()

        return await self._store.study(gather)

    async def heatmap(
        self, wanted: Wanted, interval: Interval, buckets: PriceBuckets
    ) -> RealisedMap:
        """The realised map of a span: a column per bar that had a liquidation.

        Args:
            wanted: which liquidations.
            interval: length of a bar.
            buckets: of the price.

        Raises:
            RequestError: more than `COLUMNS_KEPT` bars, too many events, or buckets too fine for a
                price.
            StorageError: the database does not answer.
        """
        _demand_columns(wanted, interval, COLUMNS_KEPT)
        end_ms = self._end_of(wanted)
        if wanted.start_ms >= end_ms:
            return RealisedMap(interval=interval, buckets=buckets)
        until = msgspec.structs.replace(wanted, end_ms=end_ms)
        await self._store.written()
        closed_ms = self._clock.now_ms() - GRACE_MS

        def gather(state: Snapshot) -> RealisedMap:
            tally = RealisedTally(
                interval,
                buckets,
                wanted.start_ms,
                end_ms,
                closed_ms=closed_ms,
                grace_ms=GRACE_MS,
            )
            for portion in portions(state, until):
                assert isinstance(portion, LiquidationColumns), "no sums were asked for"
                try:
                    tally.add(portion)
                except ValueError as error:
                    allowed = "a height at which the edges of the buckets are exact"
                    raise RequestError("price_bin_size", buckets.width, allowed) from error
            return tally.finish()

        return await self._store.study(gather)

    def _end_of(self, wanted: Wanted) -> int:
        """The end of a span, or tomorrow: nothing is liquidated later, whatever is asked for."""
        return min(wanted.end_ms, self._clock.now_ms() + _DAY_MS)


def _demand_columns(wanted: Wanted, interval: Interval, most: int) -> None:
    columns = (wanted.end_ms - interval.opens_at_ms(wanted.start_ms)) / interval.nominal_ms
    if columns > most:
        raise RequestError(
            "interval", interval.value, f"a length of which the span has at most {most}"
        )
