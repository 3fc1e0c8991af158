"""What a subscription of ours is called there: topics by type, coin or user, and interval.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.venues.base import Taker
from headwater.venues.hyperliquid import wire
from headwater.venues.hyperliquid.symbols import INTERVALS, symbol_in
from headwater.venues.messages import Subscription

VAULTS: Final = (
    "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
    "0xb0a55f13d22f66e6d495ac98113841b2326e9540",
    "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70",
    "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308",
)
"""The venue's liquidator vaults. Four of the ten users that an address may follow."""
Key = tuple[str, str, str]
"""A topic: type, coin or user, interval (empty where there is none)."""

_TYPES: Final[Mapping[Channel, str]] = {
    Channel.TRADES: "trades",
    Channel.BOOK: "l2Book",
    Channel.QUOTES: "bbo",
    Channel.TICKERS: "activeAssetCtx",
    Channel.MARK_PRICES: "activeAssetCtx",
    Channel.OPEN_INTEREST: "activeAssetCtx",
}


class Topic:
    """One topic: whose it is, who wants it, what it said last.

    Attributes:
        coin: the venue's name, or a user's address.
        symbol: our name of the coin.
        users: subscriptions that need it.
        channels: their channels.
        last_data_ns: receive time of its last data, None before the first.
        taken_at_ms: venue time of the last image of a book.
        bar: the last candle.
        take: what takes its trades, None where they are returned.

    Args:
        key: of the topic.
        table: names the symbol.
    """

    __slots__ = (
        "bar",
        "channels",
        "coin",
        "last_data_ns",
        "symbol",
        "take",
        "taken_at_ms",
        "users",
    )

    def __init__(self, key: Key, table: InstrumentTable) -> None:
        self.coin = key[1]
        self.symbol = symbol_in(table, key[1])
        self.users: set[Subscription] = set()
        self.channels: set[Channel] = set()
        self.last_data_ns: int | None = None
        self.taken_at_ms: int | None = None
        self.bar: wire.Bar | None = None
        self.take: Taker | None = None


def keys_of(subscription: Subscription) -> tuple[Key, ...]:
    """The venue's topics that a subscription needs.

    Raises:
        RequestError: the whole market where there is none, or candles of no such interval.
    """
    channel, coin = subscription.channel, subscription.native_symbol
    if channel is Channel.LIQUIDATIONS:
        return tuple([("userFills", vault, "") for vault in VAULTS])
    if coin is None:
        raise RequestError("native_symbol", None, f"{channel} exist per symbol only")
    if channel is Channel.CANDLES:
        interval = subscription.interval
        if interval is None or interval.value not in INTERVALS:
            raise RequestError("interval", interval, f"one of {', '.join(INTERVALS)}")
        return (("candle", coin, interval.value),)
    return ((_TYPES[channel], coin, ""),)


def body_of(key: Key) -> dict[str, str]:
    """A topic as the venue writes it."""
    kind, name, interval = key
    if kind == "userFills":
        return {"type": kind, "user": name}
    return {"type": kind, "coin": name, **({"interval": interval} if interval else {})}


def key_of(asked: wire.Asked) -> Key:
    """The topic that an answer or an error names."""
    return (asked.type, asked.user.lower() or asked.coin, asked.interval)


def channel_of(frame: bytes) -> str:
    """The channel of a broken frame, as far as its beginning tells."""
    _, found, rest = frame[:200].partition(b'"channel":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace")[:80] if found else "frame"
