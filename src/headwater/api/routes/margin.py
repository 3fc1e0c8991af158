"""`/margin/…`: what a venue demands of a position, and where it is liquidated (L-R16)."""

import asyncio
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from headwater.analytics.position_margin import assess
from headwater.api.answering import Answers
from headwater.api.errors import problem_of
from headwater.api.lookup import demand, instrument_of, source_of
from headwater.api.openapi import VENUE_STATUSES, answers, market_answers
from headwater.api.parameters import ExchangeQuery, SymbolPath, read_amount, router_of
from headwater.api.schemas.base import View, encode, iso_of
from headwater.api.schemas.margin import (
    MarginBatchItemView,
    MarginBatchView,
    MarginHealthView,
    MarginTiersView,
    MarginVenueView,
    MarginView,
    margin_view,
    tiers_view,
)
from headwater.api.schemas.margin_bodies import AMOUNT_MAX, MarginBatchBody, MarginBody
from headwater.api.schemas.platform import HealthStatus
from headwater.core.errors import NotSupported, PlatformError
from headwater.core.instruments import Instrument
from headwater.core.margin_tiers import MarginTiers
from headwater.feeds.source import MarketSource

TIERS_PATH: Final = "/margin/tiers/{symbol}"
HEALTH_PATH: Final = "/margin/health"

_JSON: Final = "application/json"
_CAPABILITY: Final = "margin_tiers"
_PROBED: Final = "BTCUSDT"
"""Whose tiers are asked for to see whether a venue tells any; every venue lists it."""


class TierFormat(StrEnum):
    """How tiers are shown: alone, or with a table that puts them side by side."""

    SIMPLE = "simple"
    COMPARISON = "comparison"


FormatQuery: TypeAlias = Annotated[
    TierFormat, Query(description="`comparison` adds a table of what each tier demands.")
]
NotionalQuery: TypeAlias = Annotated[
    float | None,
    BeforeValidator(read_amount),
    Query(
        description="Value of a position in quote currency, to be found in the comparison.",
        ge=1e-12,
        le=AMOUNT_MAX,
        examples=[250000],
    ),
]


def margin_router(api: Answers) -> APIRouter:
    """The routes of margin; to be declared before those of one venue."""
    router = router_of("margin")

    @router.post(
        "/margin/calculate",
        summary="Margin and liquidation price of one position",
        responses=answers(MarginView, "What the venue demands.", VENUE_STATUSES),
    )
    async def calculate_margin(body: MarginBody) -> Response:
        """By the venue's own tiers: 404 where it publishes none of the contract."""
        return _json(await _answer(api, body))

    @router.post(
        "/margin/batch",
        summary="Margin and liquidation price of several positions",
        responses=answers(MarginBatchView, "A result or an error for each.", VENUE_STATUSES),
    )
    async def calculate_margins(body: MarginBatchBody) -> Response:
        """Each position by itself: one that cannot be answered has its problem as `error`."""
        items: list[MarginBatchItemView] = []
        for index, one in enumerate(body.calculations):
            try:
                result = await _answer(api, one)
            except PlatformError as error:
                problem = problem_of(error)
                items.append(MarginBatchItemView(index=index, result=None, error=problem))
            else:
                items.append(MarginBatchItemView(index=index, result=result, error=None))
        succeeded = sum(item.result is not None for item in items)
        return _json(
            MarginBatchView(results=tuple(items), total_count=len(items), success_count=succeeded)
        )

    @router.get(
        TIERS_PATH,
        summary="Margin tiers of a contract",
        responses=market_answers(MarginTiersView, "Smallest positions first."),
    )
    async def read_margin_tiers(
        symbol: SymbolPath,
        exchange: ExchangeQuery = None,
        format: FormatQuery = TierFormat.SIMPLE,  # noqa: A002 - the parameter's name (L-R16)
        current_notional: NotionalQuery = None,
    ) -> Response:
        """As the venue publishes them; `source` says whether it is a dated copy."""
        source = _source_of(api, exchange)
        instrument = _instrument_of(source, symbol)
        compared = format is TierFormat.COMPARISON

        async def load() -> MarginTiersView:
            table = await _tiers_of(api, source, instrument)
            return tiers_view(table, compared=compared, current_notional=current_notional)

        key = (source.facts.venue_id, instrument.native_symbol, format, current_notional)
        return await api.give(TIERS_PATH, key, api.deps.settings.cache.history_s, load)

    _add_health(router, api)
    return router


def _add_health(router: APIRouter, api: Answers) -> None:
    @router.get(
        HEALTH_PATH,
        summary="Whether margin can be worked out for each venue",
        responses=market_answers(MarginHealthView, "What every venue answered just now."),
    )
    async def read_margin_health() -> Response:
        """Asks every venue for the tiers of BTCUSDT; one that fails is told beside the others."""

        async def load() -> MarginHealthView:
            sources = api.deps.sources.values()
            rows = await asyncio.gather(*(_probe(api, source) for source in sources))
            offered = [row.healthy for row in rows if row.is_offered]
            some: HealthStatus = "degraded" if any(offered) else "unhealthy"
            return MarginHealthView(
                status="healthy" if offered and all(offered) else some,
                timestamp=iso_of(api.deps.clock.now_ms()),
                exchanges={row.exchange: row for row in rows},
            )

        return await api.give(HEALTH_PATH, (), api.deps.settings.cache.platform_s, load)


async def _probe(api: Answers, source: MarketSource) -> MarginVenueView:
    """Asks one venue for tiers, for at most `multi_timeout_s`."""
    venue, limit_s = source.facts.venue_id, api.deps.settings.multi_timeout_s
    is_offered, symbol, reason = False, None, ""
    tiers: MarginTiers | None = None
    try:
        demand(source, _CAPABILITY)
        is_offered = True
        instrument = _instrument_of(source, _PROBED)
        symbol = instrument.symbol
        async with asyncio.timeout(limit_s):
            tiers = await _tiers_of(api, source, instrument)
    except PlatformError as error:
        reason = problem_of(error).detail
    except TimeoutError:
        reason = f"{venue}: no answer in {limit_s:g} s"
    return MarginVenueView(
        exchange=venue,
        is_offered=is_offered,
        healthy=tiers is not None,
        symbol=symbol,
        tier_count=None if tiers is None else len(tiers.tiers),
        source=None if tiers is None else tiers.source,
        reason=reason,
    )


async def _answer(api: Answers, body: MarginBody) -> MarginView:
    """One position's answer.

    Raises:
        RequestError: there is no such venue, contract or table, or the position makes no sense.
        VenueError: the venue refused, failed or could not be reached.
    """
    source = _source_of(api, body.exchange)
    instrument = _instrument_of(source, body.symbol)
    table = await _tiers_of(api, source, instrument)
    return margin_view(table, assess(table, body.question()), instrument, body)


async def _tiers_of(api: Answers, source: MarketSource, instrument: Instrument) -> MarginTiers:
    question = source.margin_tiers(instrument)
    return await api.ask(source.facts.venue_id, _CAPABILITY, question)


def _source_of(api: Answers, exchange: str | None) -> MarketSource:
    """The venue that is named, else the first connected one; it must have tiers."""
    sources = api.deps.sources
    source = source_of(sources, next(iter(sources), "none") if exchange is None else exchange)
    demand(source, _CAPABILITY)
    return source


def _instrument_of(source: MarketSource, symbol: str) -> Instrument:
    """A linear contract.

    Raises:
        NotSupported: it is inverse: its margin is in the base currency, by another formula.
    """
    instrument = instrument_of(source, symbol)
    if not instrument.is_linear:
        reason = f"{instrument.symbol} is an inverse contract; margin is worked out of linear ones"
        raise NotSupported(source.facts.venue_id, _CAPABILITY, reason)
    return instrument


def _json(view: View) -> Response:
    return Response(encode(view), media_type=_JSON)
