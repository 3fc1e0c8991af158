"""Messages of clients: a typed request, or an error that names what is wrong."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType

from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalPingRequest,
    TerminalView,
)
from headwater.api.terminal.requests import RequestReader, TooMany, error_view
from headwater.core.errors import (
    NotSupported,
    PlatformError,
    RateLimited,
    RequestError,
    StorageUnavailable,
    UnknownSymbol,
    VenueUnavailable,
    WireError,
)

NOW_MS = 1_731_000_000_123


class Update(TerminalView, frozen=True, kw_only=True, gc=False, tag="update", tag_field="type"):
    """A request with a bound."""

    pace_ms: Annotated[int, Meta(ge=50, le=10_000)]
    names: tuple[str, ...] = ()
    side: Literal["bids", "asks"] | UnsetType = UNSET


class Strict(
    TerminalView,
    frozen=True,
    kw_only=True,
    gc=False,
    tag="strict",
    tag_field="type",
    forbid_unknown_fields=True,
):
    """A request that takes nothing that it does not know."""

    pace_ms: int | UnsetType = UNSET


READER: RequestReader[View] = RequestReader((TerminalPingRequest, Update, Strict))


def refusal(text: str) -> TerminalErrorView:
    found = READER.read(text, NOW_MS)
    assert isinstance(found, TerminalErrorView), found
    assert (found.code, found.timestamp) == ("BAD_MESSAGE", NOW_MS)
    assert msgspec.json.decode(encode(found))
    assert len(found.message) <= 500
    return found


def test_requests_are_typed_and_their_names_are_camel_case() -> None:
    assert READER.types == ("ping", "update", "strict")
    assert READER.read('{"type":"ping"}', NOW_MS) == TerminalPingRequest()
    assert READER.read('{"type":"ping","more":[1]}', NOW_MS) == TerminalPingRequest()
    assert READER.read('{"type":"update","paceMs":100}', NOW_MS) == Update(pace_ms=100)
    only: RequestReader[View] = RequestReader((TerminalPingRequest,))
    assert only.read('{"type":"ping"}', NOW_MS) == TerminalPingRequest()


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("", "message", "truncated"),
        ("hello", "message", "malformed"),
        ("null", "message", "Expected `object`"),
        ("[]", "message", "Expected `object`"),
        ("7", "message", "Expected `object`"),
        ("{}", "type", "missing required field `type`"),
        ('{"type":7}', "type", "Expected `str`"),
        ('{"type":null}', "type", "Expected `str`"),
        ('{"type":"subscribe"}', "type", "Invalid value 'subscribe'"),
        ('{"type":"update"}', "paceMs", "missing required field `paceMs`"),
        ('{"type":"update","pace_ms":100}', "paceMs", "missing required field `paceMs`"),
        ('{"type":"update","paceMs":"100"}', "paceMs", "Expected `int`, got `str`"),
        ('{"type":"update","paceMs":49}', "paceMs", ">= 50"),
        ('{"type":"update","paceMs":1e400}', "paceMs", ""),
        ('{"type":"update","paceMs":1' + "0" * 400 + "}", "paceMs", ""),
        ('{"type":"update","paceMs":true}', "paceMs", "Expected `int`"),
        ('{"type":"update","paceMs":true}', "paceMs", "; a whole number from 50 to 10000"),
        ('{"type":"update","paceMs":100,"side":"up"}', "side", "; one of asks, bids"),
        ('{"type":"strict","pace_ms":100}', "pace_ms", "unknown field `pace_ms`; takes paceMs"),
        ('{"type":"strict","rounding":[]}', "rounding", "unknown field `rounding`"),
        ('{"type":"update","paceMs":100,"names":[1]}', "names[0]", "Expected `str`"),
        ('{"type":"ping"} x', "message", "trailing"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(text: str, field: str, words: str) -> None:
    error = refusal(text)
    assert error.field == field
    assert words in error.message
    if field in ("message", "type"):
        assert "ping, update, strict" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "[" * 30_000,
        "[" * 30_000 + "]" * 30_000,
        '{"type":"ping","x":' + "[" * 900 + "]" * 900 + "}",
        '{"type":"update","paceMs":' + "[" * 900 + "]" * 900 + "}",
        '{"type":' * 5_000,
        '{"type":"\\ud800"}',
        '{"type":"update","paceMs":"\\udfff"}',
        '{"\\ud800":1}',
        '{"type":"' + "x" * 60_000 + '"}',
        "\x00",
        "\ufeff{}",
    ],
)
def test_hostile_text_gives_an_error_that_can_be_sent(text: str) -> None:
    found = READER.read(text, NOW_MS)
    if isinstance(found, TerminalErrorView):
        assert encode(found)
        assert len(found.message) <= 500


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(
    st.one_of(
        st.text(),
        json_values.map(json.dumps),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["ping", "update", "x"])},
            optional={"paceMs": json_values, "names": json_values},
        ).map(json.dumps),
    )
)
def test_nothing_raises_whatever_the_text(text: str) -> None:
    found = READER.read(text, NOW_MS)
    assert isinstance(found, Update | TerminalPingRequest | TerminalErrorView)
    assert encode(found)


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (UnknownSymbol("binance", "BTCUSDX", ("BTCUSDT",)), "UNKNOWN_SYMBOL", "symbol"),
        (NotSupported("binance", "mark", "none"), "NOT_SUPPORTED", "capability"),
        (RequestError("exchange", "x", "one of binance"), "UNKNOWN_EXCHANGE", "exchange"),
        (RequestError("limit", "x", "a number"), "BAD_PARAMETER", "limit"),
        (VenueUnavailable("binance", "down"), "VENUE_ERROR", None),
        (RateLimited("binance", "later"), "VENUE_ERROR", None),
        (WireError("binance", "book", "bad", b"x"), "VENUE_ERROR", None),
        (StorageUnavailable("candles.db", "locked"), "VENUE_ERROR", None),
        (TooMany("there are already 5"), "TOO_MANY_STREAMS", None),
        (PlatformError("secret"), "INTERNAL_ERROR", None),
    ],
)
def test_each_error_has_its_code(error: PlatformError, code: str, field: str | None) -> None:
    view = error_view(error, NOW_MS)
    assert (view.code, view.timestamp) == (code, NOW_MS)
    assert view.field == (msgspec.UNSET if field is None else field)
    assert "secret" not in view.message
    assert view.message
    assert encode(view)


def test_an_unknown_symbol_is_told_with_what_was_perhaps_meant() -> None:
    view = error_view(UnknownSymbol("binance", "BTCUSDX", ("BTCUSDT",)), NOW_MS)
    assert view.suggestions == ("BTCUSDT",)
    assert "BTCUSDX" in view.message


def test_a_name_of_any_length_makes_a_short_error() -> None:
    """A query's parameters are named by the client."""
    view = error_view(RequestError("x" * 60_000 + "\ud800", "y", "no such parameter"), NOW_MS)
    assert len(encode(view)) < 1_500
    assert encode(error_view(RequestError("half\ud800", "y", "no such parameter"), NOW_MS))
