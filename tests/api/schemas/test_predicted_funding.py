"""Rows of one coin after another become one entry per coin."""

from tests.api.fake_source import make_predicted_funding

from headwater.api.schemas.predicted_funding import predicted_funding_views


def test_coins_keep_their_order_although_their_rows_are_mixed() -> None:
    rows = [
        make_predicted_funding("ETH", "HlPerp"),
        make_predicted_funding("BTC", "HlPerp"),
        make_predicted_funding("ETH", "BinPerp"),
    ]
    views = predicted_funding_views(rows)
    assert [(view.coin, [one.venue for one in view.venues]) for view in views] == [
        ("ETHUSDT", ["HlPerp", "BinPerp"]),
        ("BTCUSDT", ["HlPerp"]),
    ]
    assert predicted_funding_views([]) == []
