"""Logs: one format for our lines and the libraries', secrets and data elsewhere."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from headwater.app.logs import configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_lines_for_ours_and_for_libraries() -> None:
    out = io.StringIO()
    configure_logs("INFO", "auto", out)
    structlog.stdlib.get_logger("headwater.test").info("hello", symbol="BTCUSDT")
    logging.getLogger("somebody").warning("count %d", 3)
    logging.getLogger("uvicorn.error").info("not shown")
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["event"], first["symbol"], first["level"]) == ("hello", "BTCUSDT", "info")
    assert (second["event"], second["logger"]) == ("count 3", "somebody")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_is_told_without_the_values_of_variables(log_format: str) -> None:
    out = io.StringIO()
    configure_logs("DEBUG", log_format, out)
    api_secret = "hush" * 2
    try:
        int("boom")
    except ValueError:
        logging.getLogger("somebody").exception("failed")
    said = out.getvalue()
    assert "ValueError" in said
    assert api_secret not in said
    if log_format == "json":
        assert json.loads(said)["exception"][0]["exc_type"] == "ValueError"


def test_console_is_for_people() -> None:
    out = io.StringIO()
    configure_logs("INFO", "console", out)
    structlog.stdlib.get_logger("headwater.test").info("hello", symbol="BTCUSDT")
    assert "hello" in out.getvalue()
    assert "symbol=BTCUSDT" in out.getvalue()
