"""OKX's topics behind our channels, how a subscription spells them, and what is known of one.

Source: https://www.okx.com/docs-v5/en/#overview-websocket-subscribe
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.venues.base import Taker
from headwater.venues.messages import Ignored, Subscription
from headwater.venues.okx import wire
from headwater.venues.okx.symbols import BAR_NAMES, SWAP, Sizes, index_of, is_swap

ENDPOINTS: Final[Mapping[Channel, str]] = {
    Channel.TRADES: "public",
    Channel.CANDLES: "business",
    Channel.BOOK: "public",
    Channel.QUOTES: "public",
    Channel.TICKERS: "public",
    Channel.MARK_PRICES: "public",
    Channel.OPEN_INTEREST: "public",
    Channel.LIQUIDATIONS: "public",
}
"""Endpoint that serves each channel; the other one refuses it."""
TRADES: Final = "trades"
"""Channel of the busiest messages."""
_NAMES: Final[Mapping[Channel, tuple[str, ...]]] = {
    Channel.TRADES: (TRADES,),
    Channel.BOOK: ("books",),
    Channel.QUOTES: ("bbo-tbt",),
    Channel.TICKERS: ("tickers",),
    Channel.MARK_PRICES: ("mark-price", "index-tickers", "funding-rate"),
    Channel.OPEN_INTEREST: ("open-interest",),
}
INDEX: Final = "index-tickers"
"""Channel whose symbol is an index, not a contract."""
BOOKS: Final = frozenset({"books", "bbo-tbt", "books-l2-tbt", "books50-l2-tbt"})
"""Channels with a whole book or its top; the two faster ones need a VIP account."""
LIQUIDATIONS: Final = "liquidation-orders"
ACCOUNT: Final = frozenset(
    {
        "account", "positions", "balance_and_position", "orders", "fills", "orders-algo",
        "algo-advance", "liquidation-warning", "account-greeks", "grid-orders-spot",
        "grid-orders-contract", "grid-positions", "grid-sub-orders", "algo-recurring-buy",
        "deposit-info", "withdrawal-info", "rfqs", "quotes", "struc-block-trades",
        "copytrading-notification", "copytrading-lead-notification", "spot-copytrading",
    }
)  # fmt: skip
"""Channels of accounts."""
SKIPPED: Final[Mapping[str, str]] = {
    "instruments": "changes of instruments are read by REST",
    "price-limit": "price limits, no record for them",
    "estimated-price": "delivery prices, no record for them",
    "opt-summary": "options, another market",
    "status": "the venue's own state, no record for it",
    "books5": "five levels, the kept book has more",
    "trades-all": "single fills; trades are read as the venue gathers them",
    "adl-warning": "warnings of auto-deleveraging, no record for them",
}
"""Public channels that are not read, with the reason."""


class Topic:
    """One topic: who wants it and when it last brought something.

    Attributes:
        argument: what was subscribed to.
        subscriptions: its users.
        last_data_ns: receive time of its last data, None before the first.
        is_fresh: whether its first push is still to come.
        symbol: our name of its contract, known from the first trade on.
        per_unit: `Sizes.per_unit` of a linear swap, known likewise.
        take: what takes its trades, None where they are returned.
    """

    __slots__ = (
        "argument",
        "is_fresh",
        "last_data_ns",
        "per_unit",
        "subscriptions",
        "symbol",
        "take",
    )

    def __init__(self, argument: wire.Argument) -> None:
        self.argument = argument
        self.subscriptions: set[Subscription] = set()
        self.last_data_ns: int | None = None
        self.is_fresh = True
        self.symbol = ""
        self.per_unit = 1.0
        self.take: Taker | None = None


class KnownSizes:
    """Contract sizes of the swaps of a table, or why one is skipped.

    Args:
        table: the instruments; a connection has as many sizes as it has.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        self._sizes: dict[str, Sizes] = {}

    def of(self, native_symbol: str) -> Sizes | Ignored:
        """The sizes of a swap, remembered."""
        sizes = self._sizes.get(native_symbol)
        if sizes is not None:
            return sizes
        if not is_swap(native_symbol):
            return Ignored(what=native_symbol[:80], reason="no swap: another market")
        instrument = self._table.by_native(native_symbol)
        if instrument is None:
            return Ignored(what=native_symbol[:80], reason="its contract size is not known")
        sizes = self._sizes[native_symbol] = Sizes(instrument)
        return sizes


def topics_of(subscription: Subscription) -> tuple[wire.Argument, ...]:
    """The venue's topics behind a subscription.

    Raises:
        RequestError: the whole market of a channel that only exists per symbol, liquidations of
            one symbol, candles without an interval or of one there is not.
    """
    channel, native_symbol = subscription.channel, subscription.native_symbol
    if channel is Channel.LIQUIDATIONS:
        if native_symbol is not None:
            raise RequestError("native_symbol", native_symbol, "all swaps at once")
        return (wire.Argument(channel=LIQUIDATIONS, kind=SWAP),)
    if native_symbol is None:
        raise RequestError("native_symbol", None, f"{channel} exist per symbol only")
    if channel is Channel.CANDLES:
        bar = None if subscription.interval is None else BAR_NAMES.get(subscription.interval)
        if bar is None:
            allowed = f"one of {', '.join(BAR_NAMES)}"
            raise RequestError("interval", subscription.interval, allowed)
        return (wire.Argument(channel=f"candle{bar}", native_symbol=native_symbol),)
    return tuple(
        wire.Argument(
            channel=name, native_symbol=index_of(native_symbol) if name == INDEX else native_symbol
        )
        for name in _NAMES[channel]
    )


def demand_endpoint(subscription: Subscription, endpoint: str) -> None:
    """Refuses what another endpoint serves: the venue would not know the channel here.

    Raises:
        RequestError: it does.
    """
    served_by = ENDPOINTS[subscription.channel]
    if served_by != endpoint:
        raise RequestError("channel", subscription.channel, f"served by {served_by}")


def written(argument: wire.Argument) -> dict[str, str]:
    """An argument as it is sent: only what it has."""
    fields = {"channel": argument.channel, "instId": argument.native_symbol}
    fields["instType"] = argument.kind
    return {name: value for name, value in fields.items() if value}


def unwanted(argument: wire.Argument) -> Ignored:
    """What is said of data that nobody asked for."""
    return Ignored(what=argument.key[:80], reason="not subscribed to")


def channel_of(frame: bytes) -> str:
    """The channel of a broken frame, as far as its beginning tells."""
    _, found, rest = frame[:200].partition(b'"channel":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace")[:80] if found else "frame"
