"""One hold on a channel of a whole market, where the venue only has streams per symbol.

The hold is a bundle of holds on every trading instrument, bounded in number. The bundle follows the
instrument list: what is listed anew joins, what is gone leaves.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from headwater.core.enums import Channel, InstrumentStatus
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.feeds.pool import PoolLease, SubscriptionPool
from headwater.venues.messages import Subscription

FOLLOW_S: Final = 5.0
"""How often the instrument list is looked at."""

_log: Final = structlog.stdlib.get_logger("headwater.feeds.whole_market")


class WholeMarketLease:
    """A hold on a channel of the whole market. Made by `WholeMarket.acquire`."""

    def __init__(self, market: "WholeMarket", channel: Channel) -> None:
        self._market: WholeMarket | None = market
        self._channel = channel

    def release(self) -> None:
        """Gives the hold up; harmless when repeated."""
        market, self._market = self._market, None
        if market is not None:
            market.give_back(self._channel)


class _Bundle:
    """The holds of one channel, by native symbol."""

    __slots__ = ("holders", "leases", "problem")

    def __init__(self) -> None:
        self.holders = 0
        self.leases: dict[str, PoolLease] = {}
        self.problem = ""


class WholeMarket:
    """Bundles of one venue.

    Args:
        pool: where single streams are held.
        table: the instruments now.
        symbols_max: most instruments of a bundle; the others are left out, and the log says so.
    """

    def __init__(
        self, pool: SubscriptionPool, table: Callable[[], InstrumentTable], symbols_max: int
    ) -> None:
        self._pool = pool
        self._table = table
        self._symbols_max = symbols_max
        self._bundles: dict[Channel, _Bundle] = {}

    def acquire(self, channel: Channel) -> WholeMarketLease:
        """Holds a channel of every trading instrument; the first hold opens the streams."""
        bundle = self._bundles.setdefault(channel, _Bundle())
        bundle.holders += 1
        if bundle.holders == 1:
            self._follow(channel, bundle)
        return WholeMarketLease(self, channel)

    def give_back(self, channel: Channel) -> None:
        """Ends one hold; called by the lease."""
        bundle = self._bundles.get(channel)
        if bundle is None:
            return
        bundle.holders -= 1
        if bundle.holders == 0:
            del self._bundles[channel]
            for lease in bundle.leases.values():
                lease.release()

    def members(self, channel: Channel) -> int:
        """Streams that a channel's bundle holds now."""
        bundle = self._bundles.get(channel)
        return 0 if bundle is None else len(bundle.leases)

    async def run(self) -> None:
        """Follows the instrument list for ever."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            for channel, bundle in list(self._bundles.items()):
                self._follow(channel, bundle)

    def _follow(self, channel: Channel, bundle: _Bundle) -> None:
        """Brings a bundle to what is listed now."""
        listed = [one for one in self._table() if one.status is InstrumentStatus.TRADING]
        wanted = dict.fromkeys(one.native_symbol for one in listed[: self._symbols_max])
        for native in [one for one in bundle.leases if one not in wanted]:
            bundle.leases.pop(native).release()
        problem = ""
        if len(listed) > self._symbols_max:
            problem = f"{len(listed) - self._symbols_max} of {len(listed)} symbols are left out"
        for native in wanted:
            if native in bundle.leases:
                continue
            subscription = Subscription(channel=channel, native_symbol=native)
            try:
                bundle.leases[native] = self._pool.acquire(subscription)
            except RequestError as error:
                problem = str(error)
                break
        if problem and problem != bundle.problem:
            _log.warning("whole_market_cut", channel=str(channel), problem=problem)
        bundle.problem = problem
