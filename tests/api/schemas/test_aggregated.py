"""Views of the streams over all venues: the promised fields, and schemas that hold them."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.api import fake_source as fake

from headwater.api.schemas.aggregated import AnyLargeTradeView, AnyLiquidationView, OiSpikeView
from headwater.api.schemas.base import View, encode, json_schema_of
from headwater.api.schemas.views import (
    any_large_trade_view,
    any_liquidation_view,
    oi_spike_view,
)

_EVENT = {"type", "exchange", "symbol", "side", "price", "quantity", "value", "timestamp"}
_PROMISED: list[tuple[View, type[View], str, set[str]]] = [
    (any_liquidation_view(fake.make_liquidation()), AnyLiquidationView, "liquidation", _EVENT),
    (
        any_large_trade_view(fake.make_trade()),
        AnyLargeTradeView,
        "large_trade",
        _EVENT | {"is_buyer_maker"},
    ),
    (
        oi_spike_view(fake.make_spike()),
        OiSpikeView,
        "oi_spike",
        {"type", "exchange", "symbol", "timeframe", "z_oi", "z_vol", "confirmed"},
    ),
]
"""What T-W2, T-W3 and T-W4 promise of each message."""


@pytest.mark.parametrize(
    ("view", "kind", "name", "promised"), _PROMISED, ids=["liquidation", "large_trade", "oi_spike"]
)
def test_a_message_has_the_promised_fields(
    view: View, kind: type[View], name: str, promised: set[str]
) -> None:
    message: dict[str, Any] = msgspec.json.decode(encode(view))
    assert promised <= set(message)
    assert message["type"] == name
    schema = json_schema_of(kind)
    Draft202012Validator(schema).validate(message)
    message["type"] = "other"
    assert not Draft202012Validator(schema).is_valid(message)
