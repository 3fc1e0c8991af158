"""What an IP may do: windows, pools, refusals, bans."""

import pytest

from headwater.venues.binance.venue_side_limits import (
    FIRST_BAN_MS,
    MAX_CLIENTS,
    REFUSALS_BEFORE_BAN,
    IpLimits,
    Refused,
)

MINUTE_MS = 60_000


def _refusal(limits: IpLimits, now_ms: int, pool: str = "ip") -> Refused:
    with pytest.raises(Refused) as caught:
        limits.charge("a", pool, 1, now_ms)
    return caught.value


def test_the_whole_budget_can_be_used_and_the_next_window_is_empty() -> None:
    limits = IpLimits()
    limits.charge("a", "ip", 2400, 0)
    assert limits.used_weight("a", 59_999) == 2400
    assert _refusal(limits, 20_500).retry_after_s == 40
    limits.charge("a", "ip", 2400, MINUTE_MS)
    assert limits.used_weight("a", MINUTE_MS) == 2400
    limits.charge("b", "ip", 2400, 0)


def test_a_second_ban_is_longer_than_the_first() -> None:
    limits = IpLimits()
    lengths = []
    now_ms = 0
    for _ in range(2):
        limits.charge("a", "ip", 2400, now_ms)
        statuses = [_refusal(limits, now_ms).status for _ in range(REFUSALS_BEFORE_BAN + 1)]
        assert statuses == [429] * REFUSALS_BEFORE_BAN + [418]
        lengths.append(_refusal(limits, now_ms).retry_after_s)
        now_ms += lengths[-1] * 1000
    assert lengths == [FIRST_BAN_MS // 1000, 2 * FIRST_BAN_MS // 1000]


def test_a_ban_holds_for_every_pool() -> None:
    limits = IpLimits()
    limits.charge("a", "ip", 2400, 0)
    for _ in range(REFUSALS_BEFORE_BAN + 1):
        _refusal(limits, 0)
    assert _refusal(limits, 1, "funding").status == 418


def test_only_so_many_addresses_are_remembered() -> None:
    limits = IpLimits()
    limits.charge("a", "ip", 2400, 0)
    for number in range(MAX_CLIENTS):
        limits.charge(str(number), "ip", 1, 0)
    assert limits.used_weight("a", 0) == 0
