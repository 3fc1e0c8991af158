"""What is declared of a socket's parameters is what is read of them, and what is documented."""

from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from headwater.api.terminal.declaration import (
    EXCHANGE,
    ChoiceParameter,
    DecimalParameter,
    IntervalParameter,
    NumberParameter,
    TerminalSocket,
    WholeParameter,
)
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

LIMIT = WholeParameter(name="limit", words="Rows.", default=20, least=5, most=50)
STEP = DecimalParameter(name="rounding", words="Step of prices.")
VALUE = NumberParameter(name="min_value_usd", words="USD.", default=0.0, least=0.0, most=1e6)
ORDER = ChoiceParameter(
    name="asks", words="Order.", allowed=("best_first", "highest_first"), default="best_first"
)
FRAME = IntervalParameter(
    name="timeframe", words="Length.", allowed=(Interval.M1, Interval.H1), default=Interval.M1
)
SOCKET = TerminalSocket(
    name="thing",
    description="A thing.",
    parameters=(EXCHANGE, LIMIT, STEP, VALUE, ORDER, FRAME),
    addresses=("thing/BTCUSDT",),
)


def test_what_is_not_given_is_the_default() -> None:
    address = SOCKET.read("/BTCUSDT", "")
    found = [one.read(address) for one in SOCKET.parameters]
    assert found == ["binance", 20, None, 0.0, "best_first", Interval.M1]


def test_both_spellings_and_every_parameter_are_read() -> None:
    query = "exchange=okx&limit=50&rounding=0.25&asks=highest_first&min_value_usd=2.5e3"
    for rest, more in (("/BTCUSDT/1h", ""), ("", "&symbol=BTCUSDT&timeframe=1h")):
        address = SOCKET.read(rest, query + more)
        assert address.symbol == "BTCUSDT"
        found = [one.read(address) for one in SOCKET.parameters]
        assert found == ["okx", 50, Decimal("0.25"), 2500.0, "highest_first", Interval.H1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=4", "limit"),
        ("limit=51", "limit"),
        ("rounding=0", "rounding"),
        ("min_value_usd=1e7", "min_value_usd"),
        ("asks=lowest", "asks"),
        ("timeframe=2h", "timeframe"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(query: str, field: str) -> None:
    address = SOCKET.read("/BTCUSDT", query)
    (parameter,) = (one for one in SOCKET.parameters if one.name == field)
    text = query.partition("=")[2]
    value = float(text) if parameter.schema()["type"] in ("integer", "number") else text
    assert not Draft202012Validator(parameter.schema()).is_valid(value)
    with pytest.raises(RequestError) as refused:
        parameter.read(address)
    assert refused.value.field == field


def test_defaults_are_allowed_by_their_own_schemas() -> None:
    for parameter in SOCKET.parameters:
        schema = parameter.schema()
        Draft202012Validator.check_schema(schema)
        assert schema["description"] == parameter.words
        if "default" in schema:
            Draft202012Validator(schema).validate(schema["default"])


def test_a_parameter_that_is_not_declared_is_unknown() -> None:
    with pytest.raises(RequestError) as refused:
        SOCKET.read("/BTCUSDT", "depth=3")
    assert refused.value.field == "depth"
    assert "limit" in refused.value.allowed


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "1e999", "0x10", "1_000", "½"])
def test_a_number_is_plain(text: str) -> None:
    address = SOCKET.read("/BTCUSDT", f"min_value_usd={text}")
    with pytest.raises(RequestError) as refused:
        VALUE.read(address)
    assert refused.value.allowed == "a number from 0 to 1000000"
