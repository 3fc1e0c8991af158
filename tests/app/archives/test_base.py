"""What the archives have in common."""

from pathlib import Path

import pytest

from headwater.app.archives import binance_vision, tardis
from headwater.app.archives.base import Archive, FileWish


@pytest.mark.parametrize("archive", [binance_vision.ARCHIVE, tardis.ARCHIVE])
def test_every_kind_that_is_told_can_be_read(archive: Archive) -> None:
    for kind in archive.kinds:
        wish = FileWish(kind=kind, symbol="BTCUSDT", interval="1m")
        plan = archive.plan(Path("a.csv"), wish)
        assert plan.kind == kind
        assert set(plan.sheet.needed) <= plan.sheet.known
        for layout in plan.sheet.layouts:
            assert set(plan.sheet.needed) - plan.sheet.optional <= set(layout)
