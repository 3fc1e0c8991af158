"""Logging: structlog for our lines and for those of the libraries, one format for all.

For people on a terminal, JSON lines (one object each) elsewhere. Standard output belongs to data;
logs go to standard error.
"""

import logging
import sys
from typing import TextIO

import structlog
import structlog.tracebacks
from structlog.typing import Processor

_NOISY = ("asyncio", "aiohttp.access", "picows", "uvicorn.access", "uvicorn.error")
"""Loggers whose INFO lines repeat what our own lines on requests and connections say."""

_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Without the values of variables: keys and secrets may be among them."""


def configure_logs(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Sets logging up for the process; call once, first thing.

    Args:
        level: least severe lines that are written: DEBUG, INFO, WARNING or ERROR.
        log_format: `console`, `json`, or `auto` (console when `stream` is a terminal).
        stream: where lines go; standard error by default.
    """
    target = sys.stderr if stream is None else stream
    as_json = log_format == "json" or (log_format == "auto" and not target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [structlog.processors.ExceptionRenderer(_TRACEBACKS), structlog.processors.JSONRenderer()]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        # First, so that a line nobody wants is not put together.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
