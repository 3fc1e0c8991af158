"""`/api/v1/strategies`: configured strategies with their history (requirement C-R4)."""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response

from headwater.api.answering import Answers
from headwater.api.callers import is_foreign_page
from headwater.api.openapi import answers
from headwater.api.parameters import router_of
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.strategies import (
    AvailableStrategiesView,
    StrategiesView,
    StrategyBody,
    StrategyVersionsView,
    StrategyView,
    available_view,
    strategy_view,
)
from headwater.backtest.jobs import BacktestJobs
from headwater.core.errors import Overloaded
from headwater.services.strategies import Strategies

STRATEGIES_PATH: Final = "/api/v1/strategies"

RECORD_ID: Final = r"^[A-Za-z0-9_-]+$"
"""What an id is made of."""

NOTHING_STORED_RETRY_S: Final = 60.0
_JSON: Final = "application/json"

RecordIdPath: TypeAlias = Annotated[
    str,
    Path(
        description="As the platform gave it.",
        min_length=1,
        max_length=64,
        pattern=RECORD_ID,
        examples=["0f3c9b1a5d7e2468"],
    ),
]
ActiveOnlyQuery: TypeAlias = Annotated[
    bool, Query(description="Leave out what is switched off.", examples=[True])
]


def strategies_router(api: Answers) -> APIRouter:
    """The routes of configured strategies."""
    router = router_of("strategies", Depends(own_pages_only(api)))

    @router.get(
        f"{STRATEGIES_PATH}/available",
        summary="Strategies that can be named, with their parameters",
        responses=answers(AvailableStrategiesView, "By their names.", (422,)),
    )
    async def read_available_strategies() -> Response:
        """Registered ones and the operator's own files; code never comes over HTTP."""
        found = tuple(available_view(one) for one in _jobs(api).catalogue.available())
        return respond(AvailableStrategiesView(count=len(found), strategies=found))

    @router.get(
        STRATEGIES_PATH,
        summary="Configured strategies",
        responses=answers(StrategiesView, "Each as it is now.", (422,)),
    )
    async def read_strategies(active_only: ActiveOnlyQuery = False) -> Response:
        """By the time they were made."""
        found = await strategies_of(api).listed(active_only=active_only)
        views = tuple(strategy_view(one) for one in found)
        return respond(StrategiesView(count=len(views), strategies=views))

    @router.post(
        STRATEGIES_PATH,
        summary="Configure a strategy",
        status_code=201,
        responses=answers(StrategyView, "It is stored.", (403, 409, 422), status=201),
    )
    async def create_strategy(body: StrategyBody) -> Response:
        """Its class and parameters are checked before it is stored."""
        one = await strategies_of(api).create(body.wish())
        return respond(strategy_view(one), 201)

    _add_one(router, api)
    return router


def _add_one(router: APIRouter, api: Answers) -> None:
    one_path = f"{STRATEGIES_PATH}/{{id}}"
    changes = (403, 404, 409, 422)

    @router.get(
        one_path,
        summary="One configured strategy",
        responses=answers(StrategyView, "As it is now.", (404, 422)),
    )
    async def read_strategy(id: RecordIdPath) -> Response:  # noqa: A002 - the parameter's name
        """Its newest version."""
        return respond(strategy_view(await strategies_of(api).get(id)))

    @router.put(
        one_path,
        summary="Change a strategy",
        responses=answers(StrategyView, "Its new version.", changes),
    )
    async def change_strategy(id: RecordIdPath, body: StrategyBody) -> Response:  # noqa: A002
        """All of it is replaced; the version before stays readable."""
        one = await strategies_of(api).change(id, body.wish(), body.version)
        return respond(strategy_view(one))

    @router.delete(
        one_path,
        summary="Delete a strategy",
        status_code=204,
        responses=answers(None, "It is not there any more.", changes, status=204),
    )
    async def delete_strategy(id: RecordIdPath) -> Response:  # noqa: A002
        """Its versions and back-tests stay readable."""
        await strategies_of(api).delete(id)
        return Response(status_code=204)

    @router.post(
        f"{one_path}/activate",
        summary="Switch a strategy on",
        responses=answers(StrategyView, "It is on.", changes),
    )
    async def activate_strategy(id: RecordIdPath) -> Response:  # noqa: A002
        """A new version, unless it is on already."""
        return respond(strategy_view(await strategies_of(api).activate(id, is_active=True)))

    @router.post(
        f"{one_path}/deactivate",
        summary="Switch a strategy off",
        responses=answers(StrategyView, "It is off.", changes),
    )
    async def deactivate_strategy(id: RecordIdPath) -> Response:  # noqa: A002
        """A new version, unless it is off already."""
        return respond(strategy_view(await strategies_of(api).activate(id, is_active=False)))

    @router.get(
        f"{one_path}/versions",
        summary="History of a strategy",
        responses=answers(StrategyVersionsView, "The newest first.", (404, 422)),
    )
    async def read_strategy_versions(id: RecordIdPath) -> Response:  # noqa: A002
        """Every change there was; of a deleted strategy too."""
        views = tuple(strategy_view(one) for one in await strategies_of(api).versions(id))
        return respond(StrategyVersionsView(id=id, count=len(views), versions=views))


def respond(view: View, status: int = 200) -> Response:
    """The answer that carries a view; never from a cache."""
    return Response(encode(view), status_code=status, media_type=_JSON)


def own_pages_only(api: Answers) -> Callable[[Request], None]:
    """Refuses what a foreign page in a browser sends to change something."""

    def check(request: Request) -> None:
        if request.method == "GET":
            return
        if is_foreign_page(request, api.deps.settings.allowed_origins):
            raise HTTPException(403, "this page may not change anything here")

    return check


def strategies_of(api: Answers) -> Strategies:
    """The configured strategies.

    Raises:
        Overloaded: nothing is stored in this process.
    """
    if api.deps.strategies is None:
        raise Overloaded("no database is in use here", NOTHING_STORED_RETRY_S)
    return api.deps.strategies


def _jobs(api: Answers) -> BacktestJobs:
    if api.deps.backtests is None:
        raise Overloaded("no database is in use here", NOTHING_STORED_RETRY_S)
    return api.deps.backtests
