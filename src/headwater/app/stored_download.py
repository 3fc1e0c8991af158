"""The past of venues into storage: what `headwater fetch … --into storage` does.

The same pass as the platform's own back-fill: only what storage lacks is asked for, the newest
first; a finished part is marked after its rows are on the disk, so the same command goes on where
an earlier one, or the platform, stopped.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from headwater.app.download import VenueDownload
from headwater.app.fetch_progress import PartProgress
from headwater.app.fetch_request import Kind
from headwater.core.clock import Clock
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError, PlatformError, StorageError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, MarkCandle, OpenInterest
from headwater.feeds.interest_reach import reach_ms
from headwater.services.backfill import VenueBackfill
from headwater.services.history_series import InterestPeriod, Series, VenueOffer, series_of
from headwater.storage.store import Store
from headwater.venues.base import Venue
from headwater.venues.facts import VenueFacts

STORED_KINDS: Final = {
    Kind.CANDLES: StoredTable.CANDLES,
    Kind.MARK_CANDLES: StoredTable.MARK_CANDLES,
    Kind.FUNDING: StoredTable.FUNDING_RATES,
    Kind.OPEN_INTEREST: StoredTable.OPEN_INTEREST,
}
"""Kinds that go into storage, with their tables."""


class StoredSpan(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted in storage.

    Attributes:
        kind: of what, one of `STORED_KINDS`.
        interval: of candles, bars of the mark price and open interest.
        since_ms: earliest time, inclusive.
        until_ms: latest time, inclusive; None for now. Parts are fetched whole, so some rows
            around both ends come too.
    """

    kind: Kind
    interval: Interval | None
    since_ms: int
    until_ms: int | None


class DownloadedHistory:
    """A venue's history, asked patiently: the `HistorySource` of a back-fill without feeds.

    Args:
        download: asks the venue, within its budgets.
    """

    def __init__(self, download: VenueDownload) -> None:
        self._download = download

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles, oldest first; the last one may still be forming."""
        return await self._download.ask(
            lambda: self._download.calls.candles(
                instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self._download.now_ms(),
            )
        )

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Bars of the mark price, oldest first; the last one may still be forming."""
        return await self._download.ask(
            lambda: self._download.calls.mark_candles(
                instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self._download.now_ms(),
            )
        )

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Open interest by period, oldest first."""
        return await self._download.ask(
            lambda: self._download.calls.open_interest_history(
                instrument, period, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
        )

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Past settlements, oldest first."""
        return await self._download.ask(
            lambda: self._download.calls.funding_history(
                instrument, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
        )


def demand_stored(venue: Venue, kind: Kind, interval: Interval | None) -> None:
    """Checks that a kind of a venue, with this interval, can go into storage.

    Raises:
        ConfigError: it cannot; says why.
    """
    if kind not in STORED_KINDS:
        allowed = f"{', '.join(STORED_KINDS)}; others to a file (--out)"
        raise ConfigError("--into", f"{kind} do not go into storage", allowed)
    facts = venue.facts
    if kind not in (Kind.CANDLES, Kind.MARK_CANDLES):
        return
    stored = [one for one in facts.intervals if one.nominal_ms <= Interval.D3.nominal_ms]
    if interval not in stored:
        problem = f"{facts.venue_id} {kind} by {interval} do not go into storage"
        raise ConfigError("--interval", problem, ", ".join(stored))


async def store_series(
    series: Sequence[tuple[VenueDownload, Instrument]], span: StoredSpan, store: Store, clock: Clock
) -> list[str]:
    """Fetches what storage lacks, one series after the other.

    Args:
        series: the contracts and who asks for them.
        span: what is wanted of each.
        store: gets the rows.
        clock: tells the time.

    Returns:
        What went wrong, a line each.

    Raises:
        StorageError: the database does not take rows or does not answer.
    """
    problems = []
    for download, instrument in series:
        exchange = download.facts.venue_id
        what = f"{exchange} {instrument.symbol} {span.kind}"
        filling = VenueBackfill(exchange, DownloadedHistory(download), store, clock, _nobody_else)
        wanted = _series_of(download.facts, instrument, span)
        try:
            async with PartProgress(what, filling.progress):
                await filling.run_pass(wanted, span.since_ms, span.until_ms)
        except StorageError:
            raise
        except PlatformError as error:
            problems.append(f"{what}: {error}")
        if filling.progress.skipped:
            problems.append(f"{what}: the venue refused to go on; why is above")
    return problems


def retention_note(
    span: StoredSpan, retention_days: Mapping[StoredTable, float], now_ms: int
) -> str:
    """Says so when rows that are fetched would be deleted as too old; empty when none would.

    Args:
        span: what is fetched.
        retention_days: days that rows are kept, by table.
        now_ms: the time.
    """
    table = STORED_KINDS[span.kind]
    days = retention_days.get(table)
    if days is None or span.since_ms >= now_ms - days * Interval.D1.nominal_ms:
        return ""
    return (
        f"note: {table.value} are kept {days:g} days (retention_days): the next run of the "
        "platform deletes older ones"
    )


def _nobody_else() -> float:
    """Share of the budgets that others use: this process asks nothing else."""
    return 0.0


def _series_of(facts: VenueFacts, instrument: Instrument, span: StoredSpan) -> list[Series]:
    """The one series that is wanted, in the parts in which the platform would ask for it."""
    interval, kind = span.interval, span.kind
    lengths = () if interval is None else (interval,)
    offer = VenueOffer(
        exchange=facts.venue_id,
        candles=lengths if kind is Kind.CANDLES else (),
        mark_candles=lengths if kind is Kind.MARK_CANDLES else (),
        candles_max=facts.candles_max,
        interest=tuple(
            InterestPeriod(period=one, reach_ms=reach_ms(facts, one))
            for one in lengths
            if kind is Kind.OPEN_INTEREST
        ),
        interest_max=facts.open_interest_max,
        funding=kind is Kind.FUNDING,
    )
    return series_of(offer, instrument)
