"""What is listed of a venue that was never reached."""

from headwater.core.instruments import canonical_spelling
from headwater.services.fallback_symbols import fallback_list


def test_o_s2_names_alone_and_each_marked_as_stale() -> None:
    found = fallback_list("venue", "is down")
    assert found.is_stale
    assert found.problem == "is down"
    assert len(found.rows) == len({row.symbol for row in found.rows}) == 28
    for row in found.rows:
        assert row.is_stale
        assert row.volume_24h is None
        assert row.native_symbol is None
        assert canonical_spelling(row.symbol) == row.symbol == row.symbol_id
        assert row.symbol == row.base_asset + row.quote_asset
        assert not row.base_asset.startswith("1000")
    assert found.rows[0].symbol == "BTCUSDT"


def test_o_s3_the_general_price_format_is_two_places() -> None:
    for row in fallback_list("venue", "is down").rows:
        assert (row.price_format.precision, str(row.price_format.min_move)) == (2, "0.01")
        assert next(str(one) for one in row.rounding.options) == "0.01"
        assert str(row.rounding.options[-1]) == "1000"
