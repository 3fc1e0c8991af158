"""The command line without a process: arguments in, exit status and text out."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
import structlog

from headwater.app.cli import main
from headwater.app.logs import NOISY


class Called(msgspec.Struct, frozen=True):
    """How a call ended.

    Attributes:
        code: exit status.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str


class CommandLine:
    """Calls `headwater` in this process.

    Args:
        patch: sets the arguments.
        capture: takes what is written.
    """

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture

    def __call__(self, *arguments: object) -> Called:
        """The end of one call."""
        self._patch.setattr(sys, "argv", ["headwater", *map(str, arguments)])
        # A logger that keeps the command's settings would write to its closed stream for ever.
        self._patch.setattr(structlog, "configure", partial(_configure, structlog.configure))
        code = 0
        try:
            with _logs_as_before():
                main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = self._capture.readouterr()
        return Called(code, said.out, said.err)


def _configure(configure: Callable[..., None], **settings: Any) -> None:
    configure(**{**settings, "cache_logger_on_first_use": False})


@contextmanager
def _logs_as_before() -> Iterator[None]:
    """Takes back what a command sets for the logs of its process, which here is everybody's."""
    loggers = [logging.getLogger(), *map(logging.getLogger, NOISY)]
    handlers, levels = loggers[0].handlers[:], [one.level for one in loggers]
    was_configured, former = structlog.is_configured(), structlog.get_config()
    try:
        yield
    finally:
        loggers[0].handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if was_configured:
            structlog.configure(**former)
        else:
            structlog.reset_defaults()
