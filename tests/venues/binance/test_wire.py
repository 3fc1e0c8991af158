"""Wire types: their documented samples decode, and their bounds hold."""

import re
from typing import Any

import msgspec
import pytest

from headwater.venues.binance import wire

DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wire.StreamMessage, strict=False)


def sample_of(kind: type[wire.Event]) -> str:
    """The message in a type's docstring."""
    found = re.search(r"`(\{.*\})`", kind.__doc__ or "", re.DOTALL)
    assert found is not None, kind.__name__
    return re.sub(r"\n\s*", "", found[1])


@pytest.mark.parametrize("kind", wire.Event.__subclasses__(), ids=lambda kind: kind.__name__)
def test_the_sample_in_the_docstring_decodes(kind: type[Any]) -> None:
    event = DECODER.decode(sample_of(kind))
    assert event.__class__ is kind
    assert event.symbol == "BTCUSDT"
    assert event.market == 1


@pytest.mark.parametrize("kind", wire.Event.__subclasses__(), ids=lambda kind: kind.__name__)
def test_unknown_fields_are_skipped(kind: type[Any]) -> None:
    extended = sample_of(kind)[:-1] + ',"ps":"BTCUSDT","st":2,"brandNew":{"deep":[1,[2]]}}'
    event = DECODER.decode(extended)
    assert event.__class__ is kind
    assert event.market == wire.COIN_MARGINED


@pytest.mark.parametrize("text", ['"nan"', '"inf"', '"-1"', '"0"', '"1e18"', "null", "true", "[]"])
def test_a_price_is_positive_and_finite(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(text, type=wire.Price, strict=False)


@pytest.mark.parametrize("text", ["-1", str(2**63), "1" * 40, "1.5", '"x"', "null"])
def test_a_count_fits_into_63_bits(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(text, type=wire.Count, strict=False)


def test_combined_mode_wraps_one_event_or_a_list() -> None:
    sample = sample_of(wire.MarkPriceUpdate)
    decoder = msgspec.json.Decoder(wire.Envelope, strict=False)
    single = decoder.decode(f'{{"stream":"btcusdt@markPrice","data":{sample}}}')
    listed = decoder.decode(f'{{"stream":"!markPrice@arr","data":[{sample},{sample}]}}')
    assert isinstance(single.data, wire.MarkPriceUpdate)
    assert listed.data == [single.data, single.data]
    assert decoder.decode('{"result":null,"id":1}').data is msgspec.UNSET
