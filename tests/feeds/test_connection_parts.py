"""A feed's pipeline is what its connections tell everything."""

from tests.feeds.test_pipeline import Rig

from headwater.core.enums import GapCause
from headwater.feeds.connection_parts import ConnectionSink
from headwater.feeds.link import STREAM_CLASSES


def _sink(sink: ConnectionSink) -> ConnectionSink:
    """The type checker proves that a pipeline is a sink."""
    return sink


def test_the_pipeline_hears_everything_a_connection_tells() -> None:
    sink = _sink(Rig().pipeline)
    assert set(STREAM_CLASSES) <= set(sink.handlers)
    sink.on_interrupted([], GapCause.DISCONNECT, "nothing was on it")
    assert sink.taker_of("BTCUSDT") is None, "no trade of it came yet"
