"""`/export/{table}`: what is stored, whole or in part, as a file."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias

import structlog
from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from headwater.api.answering import Answers
from headwater.api.lookup import UnknownExchange, shared_symbol
from headwater.api.openapi import SERVER_STATUSES, Responses, problems
from headwater.api.parameters import (
    EndQuery,
    ExchangeQuery,
    StartQuery,
    SymbolQuery,
    check_span,
    read_interval,
    router_of,
)
from headwater.core.enums import StoredTable
from headwater.core.errors import NotSupported, StorageError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS
from headwater.services.table_export import OneExport
from headwater.storage.exporting import EXPORTED, MEDIA_TYPES, ExportFormat, ExportQuery

EXPORT_PATH: Final = "/export/{table}"

STALL_S: Final = 60.0
"""A client that takes nothing for so long is given up: its place is needed."""

_INTERVALS: Final[dict[str, Any]] = {"enum": [interval.value for interval in Interval]}
_log: Final = structlog.stdlib.get_logger("headwater.api.export")

_TABLES: Final[dict[str, Any]] = {"enum": [table.value for table in EXPORTED]}
TablePath: TypeAlias = Annotated[
    StoredTable, Path(description="Which table.", json_schema_extra=_TABLES)
]
FormatQuery: TypeAlias = Annotated[ExportFormat, Query(description="How the file is written.")]
OfIntervalQuery: TypeAlias = Annotated[
    Interval | None,
    BeforeValidator(lambda value: None if value is None else read_interval(value)),
    Query(
        description="Length of candles; all when left out. Other tables have none.",
        json_schema_extra={"anyOf": [{"type": "string", **_INTERVALS}]},
    ),
]


def _answers() -> Responses:
    """Every format is an answer of its own."""
    rows = {"type": "array", "items": {"type": "object", "description": "The record's fields."}}
    content: dict[str, Any] = {
        media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
        for media in MEDIA_TYPES.values()
    }
    content["application/json"] = {"schema": rows}
    found: Responses = {
        200: {
            "description": "The rows, series by series, each in the order of time. Times are ms.",
            "content": content,
            "headers": {
                "Content-Disposition": {
                    "description": "Names the file.",
                    "schema": {"type": "string"},
                }
            },
        }
    }
    return found | problems((*SERVER_STATUSES, 404, 422, 503))


class ExportResponse(StreamingResponse):
    """Sends an export and closes it, however the sending ends.

    Args:
        export: what is sent.
        row_format: says the media type.
        name: of the file.
        stall_s: a client that takes nothing for so long is given up.
    """

    def __init__(
        self,
        export: OneExport,
        row_format: ExportFormat,
        name: str,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(
            export.pieces(),
            media_type=MEDIA_TYPES[row_format],
            headers={
                "content-disposition": f'attachment; filename="{name}.{row_format.value}"',
                "cache-control": "no-store",
            },
        )
        self._export = export
        self._name = name
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it; what breaks off in the middle ends the connection, so that it is noticed."""

        async def impatient(message: Message) -> None:
            async with asyncio.timeout(self._stall_s):
                await send(message)

        try:
            await super().__call__(scope, receive, impatient)
        except (TimeoutError, ClientDisconnect, StorageError) as error:
            _log.warning("export_broken_off", file=self._name, reason=str(error) or "not taken")
        finally:
            await self._export.close()


def export_router(api: Answers) -> APIRouter:
    """The route of exports; 404 where nothing is stored."""
    router = router_of("export")

    @router.get(
        EXPORT_PATH,
        summary="A stored table as a file",
        response_class=StreamingResponse,
        responses=_answers(),
    )
    async def export_table(
        table: TablePath,
        format: FormatQuery = ExportFormat.CSV,  # noqa: A002 - its name in the query
        exchange: ExchangeQuery = None,
        symbol: SymbolQuery = None,
        interval: OfIntervalQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> ExportResponse:
        """CSV, JSON, NDJSON or Parquet of any size, streamed; a few exports run at a time."""
        exports = api.deps.exports
        if exports is None:
            raise NotSupported("storage", "export", "this process stores nothing")
        check_span(start_time, end_time)
        query = ExportQuery(
            table=table,
            exchange=None if exchange is None else exchange.lower(),
            symbol=_symbol_of(api, symbol),
            interval=None if interval is None else interval.value,
            start_ms=start_time,
            end_ms=None if end_time is None else end_time + 1,
        )
        export = await exports.begin(query, format)
        known = api.deps.sources
        if export.is_empty and query.exchange is not None and query.exchange not in known:
            # Venues of archives are not connected; one without a row is a misspelt one.
            await export.close()
            raise UnknownExchange(query.exchange, tuple(known))
        return ExportResponse(export, format, table.value)

    return router


def _symbol_of(api: Answers, symbol: str | None) -> str | None:
    """The canonical symbol; one that no venue lists is taken as it is spelt: it may be gone."""
    if symbol is None or symbol == ALL_SYMBOLS:
        return symbol
    return canonical_spelling(shared_symbol(list(api.deps.sources.values()), symbol))
