"""Records of every kind for tapes: any values a field may have."""

import types
from decimal import Decimal
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from tests.storage.samples import T0

from headwater.core.records import Level
from headwater.storage.parquet_layout import RawMessage

WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.floats(allow_nan=False)
TEXT = st.text(max_size=12)
LEVELS = st.lists(st.tuples(NUMBER, NUMBER), max_size=4).map(tuple)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of(*[values_of(one) for one in get_args(hint)])
    if hint is types.NoneType:
        return st.none()
    if hint is bool:
        return st.booleans()
    if hint is Decimal:
        return st.decimals(allow_nan=False, allow_infinity=False, places=8)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if get_origin(hint) is tuple:
        assert get_args(hint)[0] == Level
        return LEVELS
    return {int: WHOLE, float: NUMBER, str: TEXT, bytes: st.binary(max_size=40)}[hint]


def records_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    fields = {name: values_of(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


def raw(number: int, *, at_ms: int = T0, payload: bytes = b"{}") -> RawMessage:
    return RawMessage(
        exchange="okx",
        received_ns=at_ms * 1_000_000 + number,
        taken_ns=at_ms * 1_000_000 + number,
        endpoint="public",
        url="wss://okx.test/ws",
        payload=payload,
    )
