"""`/oi-vol/rules` and `/oi-vol/preview`: what the monitor watches, and would have told."""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from headwater.analytics.oi_volume import SpikeRule
from headwater.api.answering import Answers, Found, found_of
from headwater.api.lookup import demand, demand_candles, demand_interval, instrument_of, source_of
from headwater.api.openapi import answers, market_answers
from headwater.api.parameters import (
    TerminalExchangeQuery,
    TimeframeQuery,
    WholeNumber,
    router_of,
)
from headwater.api.routes.candles import read_candles_of
from headwater.api.schemas.base import encode, iso_of
from headwater.api.schemas.oi_volume import SpikePreviewView, SpikeRulesView, SpikeRuleView
from headwater.api.schemas.views import oi_spike_view
from headwater.core.errors import RequestError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest
from headwater.feeds.source import MarketSource
from headwater.services.oi_volume_preview import HOURS_MAX, SpikePlan, SpikePreview
from headwater.services.past_readings import ReadingsQuestion

RULES_PATH: Final = "/oi-vol/rules"
PREVIEW_PATH: Final = "/oi-vol/preview"

_WatchedSymbol: TypeAlias = Annotated[
    str,
    Query(
        description="Symbol that the monitor watches, in any common spelling; see /oi-vol/rules.",
        min_length=1,
        max_length=192,
        examples=["BTCUSDT"],
    ),
]
_Hours: TypeAlias = Annotated[
    int,
    Field(ge=1, le=HOURS_MAX),
    BeforeValidator(WholeNumber(1, HOURS_MAX)),
    Query(description="How far back, hours: a day is 24, a week 168."),
]


def oi_volume_router(api: Answers) -> APIRouter:
    """The routes of the open-interest and volume monitor."""
    router = router_of("alerts")

    @router.get(
        RULES_PATH,
        summary="What the open-interest and volume monitor watches",
        responses=answers(SpikeRulesView, "Its rules and symbols; none when it is off.", (422,)),
    )
    async def read_rules() -> Response:
        """The rules by which `/ws/oi-vol` tells spikes."""
        preview = api.deps.spikes
        settings = None if preview is None else preview.settings
        view = SpikeRulesView(
            rules=() if settings is None else tuple(_rule_view(one) for one in settings.rules),
            symbols=() if settings is None else settings.symbols,
            alerts_per_day=None if settings is None else settings.alerts_per_day,
        )
        return Response(encode(view), media_type="application/json")

    @router.get(
        PREVIEW_PATH,
        summary="What the monitor would have told",
        responses=market_answers(
            SpikePreviewView,
            "The spikes of the last hours, found by the monitor's own code over stored candles and "
            "open interest, and the venue's where those lack some. When the venue is away, "
            "`X-Data-Incomplete` says what is missing.",
        ),
    )
    async def read_preview(
        symbol: _WatchedSymbol,
        exchange: TerminalExchangeQuery,
        timeframe: TimeframeQuery = Interval.M5,
        hours: _Hours = 24,
    ) -> Response:
        """How often an alert would have fired: count the spikes that your own rule lets through."""
        source = source_of(api.deps.sources, exchange)
        preview = api.deps.spikes
        if preview is None:
            raise RequestError("timeframe", timeframe.value, "none: the monitor is turned off")
        instrument = instrument_of(source, symbol)
        plan = preview.plan(instrument.symbol, timeframe, hours)
        _demand_past(source, timeframe)

        async def load() -> Found:
            return await _make(api, preview, source, instrument, plan)

        key = (source.facts.venue_id, instrument.symbol, timeframe, hours)
        return await api.give(PREVIEW_PATH, key, api.deps.settings.cache.history_s, load)

    return router


def _demand_past(source: MarketSource, timeframe: Interval) -> None:
    """Checks that the venue tells what a preview is made of."""
    demand(source, "ohlc")
    demand_candles(source, timeframe, "timeframe")
    demand(source, "open_interest_history")
    demand_interval(source, "timeframe", timeframe, source.facts.open_interest_periods)


async def _make(
    api: Answers,
    preview: SpikePreview,
    source: MarketSource,
    instrument: Instrument,
    plan: SpikePlan,
) -> Found:
    """The preview, marked as incomplete where the venue was away."""
    interval, venue = plan.rule.interval, source.facts.venue_id
    missing: list[str] = []

    async def candles(first_ms: int, last_ms: int, count: int) -> Sequence[Candle]:
        found = await read_candles_of(
            api, source, instrument, interval, limit=count, start_ms=first_ms, end_ms=last_ms
        )
        missing.append(found.missing)
        return found.candles

    async def interest(count: int) -> Sequence[OpenInterest]:
        async def ask() -> Sequence[OpenInterest]:
            question = source.open_interest_history(instrument, interval, limit=count)
            return await api.ask(venue, "open_interest_history", question)

        if api.deps.readings is None:
            return await ask()
        question = ReadingsQuestion(exchange=venue, symbol=instrument.symbol, limit=count)
        readings = await api.deps.readings.open_interest(question, interval, ask)
        missing.append(readings.missing)
        return readings.rows

    tested, spikes = await preview.make(plan, instrument, candles, interest)
    view = SpikePreviewView(
        exchange=venue,
        symbol=instrument.symbol,
        rule=_rule_view(plan.rule),
        alerts_per_day=preview.settings.alerts_per_day,
        start=iso_of(plan.start_ms),
        end=iso_of(plan.end_ms),
        bars=plan.due,
        bars_tested=tested,
        spikes=tuple(oi_spike_view(one) for one in spikes),
    )
    return found_of(view, "; ".join(one for one in missing if one))


def _rule_view(rule: SpikeRule) -> SpikeRuleView:
    return SpikeRuleView(
        timeframe=rule.interval,
        method=rule.method,
        threshold=rule.threshold,
        window=rule.window,
        cooldown_bars=rule.cooldown_bars,
        volume_floor=rule.volume_floor_usd,
        open_interest_floor=rule.open_interest_floor_usd,
    )
