from headwater.analytics.metric_definitions import METRIC_DEFINITIONS
from headwater.analytics.performance import Performance, SharpeRatios


def test_every_figure_has_a_definition_and_no_other_has() -> None:
    ratios = {f"sharpe.{name}" for name in SharpeRatios.__struct_fields__}
    assert set(METRIC_DEFINITIONS) == {*Performance.__struct_fields__, *ratios}
    assert all(len(text) > 8 and text.endswith(".") for text in METRIC_DEFINITIONS.values())


def test_every_figure_is_described_where_it_is_declared() -> None:
    described = Performance.__doc__ or ""
    assert [f for f in Performance.__struct_fields__ if f"        {f}: " not in described] == []
