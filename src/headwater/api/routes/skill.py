"""`/liquidations/skill`: what the liquidation maps were worth, by forecasts that were written down.

Everything here comes from the platform's own storage; docs/guides/skill.md explains the table.
"""

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from headwater.api.answering import Answers
from headwater.api.lookup import canonical_symbols
from headwater.api.openapi import answers
from headwater.api.parameters import ExchangesQuery, WholeNumber, router_of
from headwater.api.routes.liquidations import SymbolNeeded
from headwater.api.schemas.skill import SkillView, skill_view
from headwater.api.stream_filters import read_exchanges
from headwater.core.errors import NotSupported
from headwater.services.forecasts import HOUR_MS
from headwater.services.liquidation_skill import DAYS_MAX, LiquidationSkill, SkillQuestion

SKILL_PATH: Final = "/liquidations/skill"

CACHE_S: Final = 60.0
"""A table may be given again for so long: it changes once an hour, and takes seconds to make."""


class SkillHorizon(StrEnum):
    """For how long a forecast speaks."""

    H1 = "1h"
    H4 = "4h"
    H24 = "24h"

    @property
    def milliseconds(self) -> int:
        """The same as a number."""
        return int(self.value.removesuffix("h")) * HOUR_MS


class CellWidth(StrEnum):
    """Width of a cell as a share of the price."""

    FINE = "0.001"
    COARSE = "0.0025"


ModelQuery: TypeAlias = Annotated[
    str | None,
    Query(
        description="Name of one model, with the baselines beside it; all when left out.",
        pattern="^[A-Za-z0-9_-]{1,32}$",
        examples=["estimated"],
    ),
]
HorizonQuery: TypeAlias = Annotated[
    SkillHorizon, Query(description="For how long a forecast speaks.")
]
WidthQuery: TypeAlias = Annotated[
    CellWidth, Query(description="Width of a cell, share of the price. Look at both.")
]
DaysQuery: TypeAlias = Annotated[
    int,
    Field(ge=1, le=DAYS_MAX),
    BeforeValidator(WholeNumber(1, DAYS_MAX)),
    Query(description="Forecasts of the newest so many days, digits only."),
]


def skill_router(api: Answers) -> APIRouter:
    """The route of the score; 404 where nothing is stored."""
    router = router_of("liquidations")

    @router.get(
        SKILL_PATH,
        summary="What liquidation maps were worth: information gain over distance alone",
        responses=answers(SkillView, "A row per model, baselines among them.", (404, 422, 503)),
    )
    async def read_skill(
        symbol: SymbolNeeded,
        model: ModelQuery = None,
        horizon: HorizonQuery = SkillHorizon.H1,
        days: DaysQuery = 30,
        cell_width: WidthQuery = CellWidth.FINE,
        exchanges: ExchangesQuery = None,
    ) -> Response:
        """Judged by the full feed that told of the most USD, or by the `exchanges` you name."""
        skill = _skill_of(api)
        chosen = read_exchanges(exchanges, api.deps.sources)
        name = min(canonical_symbols(symbol, list(api.deps.sources.values())))

        async def load() -> SkillView:
            table = await skill.table(
                SkillQuestion(
                    symbol=name,
                    end_ms=api.deps.clock.now_ms(),
                    days=days,
                    model=model,
                    horizons_ms=(horizon.milliseconds,),
                    cell_widths=(float(cell_width.value),),
                    exchanges=None if chosen is None else tuple(sorted(chosen)),
                )
            )
            writing = api.deps.forecasts
            return skill_view(table, None if writing is None else writing())

        key = (name, model, horizon, days, cell_width, chosen)
        return await api.give(SKILL_PATH, key, CACHE_S, load)

    return router


def _skill_of(api: Answers) -> LiquidationSkill:
    """What answers from storage.

    Raises:
        NotSupported: nothing is stored.
    """
    skill = api.deps.skill
    if skill is None:
        raise NotSupported("storage", "liquidation skill", "this process stores nothing")
    return skill
