"""Pages of a real database: nothing is lost or repeated where one ends within an instant."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.services.skill_market import START_MS, hours_of, liquidations_of
from tests.services.test_skill_evidence import END_MS, made

from headwater.core.errors import RequestError
from headwater.services import paged_reading, skill_evidence
from headwater.services.skill_evidence import read_evidence


async def test_pages_neither_lose_nor_repeat_what_shares_an_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of five over liquidations of which three share each instant."""
    hours = hours_of(1)[:8]
    rows = [
        msgspec.structs.replace(one, order_id=str(number))
        for hour in hours
        for one in liquidations_of(hour)
        for number in range(3)
    ]
    fetch = made(tmp_path, rows)
    monkeypatch.setattr(paged_reading, "LIMIT_MAX", 5)
    seen = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    assert len(seen.events.usd) == len(rows)
    assert bool(np.all(np.diff(seen.events.at_ms) >= 0))
    monkeypatch.setattr(skill_evidence, "EVENTS_MAX", 20)
    with pytest.raises(RequestError, match="at most 20 liquidations"):
        await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    monkeypatch.setattr(paged_reading, "LIMIT_MAX", 3)
    with pytest.raises(RequestError, match="days"):
        await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
