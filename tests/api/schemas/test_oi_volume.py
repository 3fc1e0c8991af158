"""Views of the monitor: what the document says of them."""

from headwater.api.schemas.base import json_schema_of
from headwater.api.schemas.oi_volume import SpikePreviewView, SpikeRulesView


def test_every_field_is_described_and_the_spikes_are_those_of_the_stream() -> None:
    schema = json_schema_of(SpikePreviewView)
    assert all(one["description"] for one in schema["properties"].values())
    spike = schema["properties"]["spikes"]["items"]
    assert {"z_oi", "z_vol", "confirmed", "timestamp"} <= set(spike["properties"])
    assert json_schema_of(SpikeRulesView)["required"] == ["rules", "symbols", "alerts_per_day"]
