"""What the address of a terminal socket says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.terminal.addresses import (
    QUERY_FIELDS_MAX,
    TerminalAddress,
    in_range,
    positive,
    read_address,
)
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

KNOWN = ("exchange", "limit", "rounding", "timeframe")


def refusal(rest: str, query: str, known: tuple[str, ...] = KNOWN) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_address(rest, query, known)
    return caught.value


@pytest.mark.parametrize(
    ("rest", "query"),
    [
        ("", "symbol=BTCUSDT&limit=20&rounding=0.25"),
        ("/", "symbol=BTCUSDT&limit=20&rounding=0.25"),
        ("/BTCUSDT", "limit=20&rounding=0.25"),
        ("/BTCUSDT/", "rounding=0.25&limit=20"),
    ],
)
def test_o_d1_both_spellings_mean_the_same(rest: str, query: str) -> None:
    found = read_address(rest, query, KNOWN)
    assert found == TerminalAddress(symbol="BTCUSDT", fields={"limit": "20", "rounding": "0.25"})


@pytest.mark.parametrize(
    ("rest", "query"),
    [
        ("/BTCUSDT/5m", ""),
        ("/BTCUSDT", "timeframe=5m"),
        ("", "symbol=BTCUSDT&timeframe=5m"),
        ("", "timeframe=5m&symbol=BTCUSDT"),
    ],
)
def test_o_d1_a_time_frame_may_end_the_path(rest: str, query: str) -> None:
    found = read_address(rest, query, KNOWN)
    assert (found.symbol, dict(found.fields)) == ("BTCUSDT", {"timeframe": "5m"})


def test_symbols_have_slashes_and_only_a_length_of_time_ends_a_path() -> None:
    assert read_address("/BTC/USDT:USDT", "", KNOWN).symbol == "BTC/USDT:USDT"
    assert read_address("", "symbol=BTC%2FUSDT%3AUSDT", KNOWN).symbol == "BTC/USDT:USDT"
    whole = read_address("/BTC/USDT:USDT/1h", "", KNOWN)
    assert (whole.symbol, dict(whole.fields)) == ("BTC/USDT:USDT", {"timeframe": "1h"})
    found = read_address("/BTC/USDT/7m", "", KNOWN)
    assert (found.symbol, dict(found.fields)) == ("BTC/USDT", {"timeframe": "7m"}), "to be refused"
    assert read_address("/BTC/1h", "", ("exchange",)).symbol == "BTC/1h", "a socket without them"
    assert read_address("/1h", "", KNOWN).symbol == "1h"


@pytest.mark.parametrize(
    ("rest", "query", "field", "words"),
    [
        ("", "", "symbol", "has to be given"),
        ("/", "symbol=", "symbol", "has to be given"),
        ("/BTC", "symbol=ETH", "symbol", "given once"),
        ("", "symbol=BTC&symbol=BTC", "symbol", "given once"),
        ("/BTC", "limit=1&limit=1", "limit", "given once"),
        ("/BTC/5m", "timeframe=5m", "timeframe", "given once"),
        ("/BTC", "Limit=1", "Limit", "no such parameter; use symbol, exchange, limit"),
        ("/BTC", "=1", "", "no such parameter"),
        ("/BTC", "&".join(["limit=1"] * (QUERY_FIELDS_MAX + 1)), "query", "at most 16"),
    ],
)
def test_whatever_is_wrong_is_named(rest: str, query: str, field: str, words: str) -> None:
    error = refusal(rest, query)
    assert error.field == field
    assert words in error.allowed


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_address_is_read_or_refused(rest: str, query: str) -> None:
    try:
        found = read_address(rest, query, KNOWN)
    except RequestError:
        return
    assert found.symbol
    assert set(found.fields) <= set(KNOWN)


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("050", 50), ("5000", 5000)])
def test_whole_numbers_in_range(text: str, value: int) -> None:
    address = TerminalAddress(symbol="X", fields={"limit": text})
    assert address.whole("limit", 20, 5, 5000) == value
    assert address.whole("other", 20, 5, 5000) == 20


@pytest.mark.parametrize(
    "text", ["", "4", "5001", "-5", "+5", "5.0", "1e3", " 5", "٥", "²", "9" * 21, "0x5", "5_0"]
)
def test_anything_else_is_no_whole_number(text: str) -> None:
    address = TerminalAddress(symbol="X", fields={"limit": text})
    with pytest.raises(RequestError, match="a whole number from 5 to 5000") as caught:
        address.whole("limit", 20, 5, 5000)
    assert (caught.value.field, caught.value.value) == ("limit", text)
    with pytest.raises(RequestError):
        in_range("limit", 4, 5, 5000)


@pytest.mark.parametrize("text", ["0.25", "1", "1000", ".5", "5.", "1e-7", "2.5E+3", "0.01"])
def test_positive_numbers(text: str) -> None:
    assert positive("rounding", text) == Decimal(text)
    assert TerminalAddress(symbol="X", fields={"rounding": text}).decimal("rounding") == Decimal(
        text
    )


def test_a_number_that_is_not_given_is_none() -> None:
    assert TerminalAddress(symbol="X", fields={}).decimal("rounding") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "0.0", "-1", "+1", "nan", "NaN", "inf", "Infinity", "1_0", " 1", "1 ", "1,5",
        "٥", "0x1", ".", "e5", "1e", "1e999999", "1e-99", "1e99", "1e-999999", "1" * 21, "one",
    ],
)  # fmt: skip
def test_anything_else_is_no_positive_number(text: str) -> None:
    """Powers are bounded: a rounding of 1e-999999 would take minutes to write out."""
    with pytest.raises(RequestError, match="a number above 0") as caught:
        positive("rounding", text)
    assert caught.value.field == "rounding"


@given(st.text(max_size=25))
def test_a_number_is_read_or_refused(text: str) -> None:
    try:
        found = positive("rounding", text)
    except RequestError:
        return
    assert Decimal("1e-20") <= found < Decimal("1e21")
    assert len(f"{found:f}") <= 45


def test_intervals_and_words() -> None:
    address = TerminalAddress(symbol="X", fields={"timeframe": "5m", "asks": "best_first"})
    allowed = (Interval.M1, Interval.M5)
    assert address.interval("timeframe", allowed) is Interval.M5
    assert address.interval("other", allowed) is None
    assert address.interval("other", allowed, Interval.M1) is Interval.M1
    with pytest.raises(RequestError, match="one of 1m, 1h"):
        address.interval("timeframe", (Interval.M1, Interval.H1))
    words = ("best_first", "highest_first")
    assert address.choice("asks", words, "highest_first") == "best_first"
    assert address.choice("other", words, "highest_first") == "highest_first"
    with pytest.raises(RequestError, match="one of highest_first"):
        address.choice("asks", ("highest_first",), "highest_first")
