"""How Binance writes a symbol's numbers, and the COIN-M contracts that share its streams.

Prices and sizes are text with the symbol's decimals; ids, times and counts are numbers. Since the
merge of 2026-06-30 the all-market streams of the USD-M host carry COIN-M contracts as well
(`st` 2); `CoinTwin` derives such contracts from USD-M ones, so that clients that do not drop them
are found out. Facts: the shared notes on Binance, sections 1 and 3.
"""

from collections.abc import Iterable, Iterator

from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.numbers import places_of
from headwater.core.records import Level

ASSET_PLACES = 8
"""Decimals of index prices, rates and margins."""

_TWIN_BASES = {"BTC": 100.0, "ETH": 10.0}
"""Bases that have a COIN-M perpetual here, with its contract size in USD."""


class SymbolText:
    """One instrument as Binance writes it.

    Args:
        instrument: what it is about.

    Attributes:
        symbol: canonical symbol.
        native: the venue's symbol.
        stream: the same in lower case, as stream names spell it.
        pair: the venue's pair.
        price_places: decimals of a price.
        quantity_places: decimals of a quantity.
        twin: its COIN-M contract, None where there is none.
    """

    __slots__ = (
        "instrument",
        "native",
        "pair",
        "price_places",
        "quantity_places",
        "stream",
        "symbol",
        "twin",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.native = instrument.native_symbol
        self.stream = self.native.lower()
        self.pair = self.native.split("_", 1)[0]
        # A tick written as 0.10 asks for two decimals, as the venue itself prints them.
        exponent = instrument.price_tick.as_tuple().exponent
        written = -exponent if isinstance(exponent, int) else 0
        self.price_places = max(places_of(instrument.price_tick), written)
        self.quantity_places = places_of(instrument.quantity_step)
        size = _TWIN_BASES.get(instrument.base_asset)
        linear_perpetual = instrument.is_linear and instrument.expires_at_ms is None
        is_main = linear_perpetual and instrument.quote_asset == "USDT"
        self.twin = CoinTwin(instrument.base_asset, size) if size and is_main else None

    def price(self, value: float) -> str:
        """A price with the symbol's decimals."""
        return f"{value:.{self.price_places}f}"

    def quantity(self, value: float) -> str:
        """A quantity with the symbol's decimals."""
        return f"{value:.{self.quantity_places}f}"

    def quote(self, value: float) -> str:
        """An amount of the quote currency: as many decimals as price and quantity together."""
        return f"{value:.{min(self.price_places + self.quantity_places, ASSET_PLACES)}f}"

    def levels(self, levels: Iterable[Level]) -> str:
        """Book levels as the inside of a JSON list: `["37000.0","1.2"],…`."""
        price, quantity = self.price_places, self.quantity_places
        return ",".join([f'["{p:.{price}f}","{q:.{quantity}f}"]' for p, q in levels])


class CoinTwin:
    """A COIN-M perpetual on the same base asset, worth `size_usd` a contract.

    Args:
        base_asset: what it is about.
        size_usd: value of one contract, USD.
    """

    __slots__ = ("native", "pair", "size_usd")

    def __init__(self, base_asset: str, size_usd: float) -> None:
        self.pair = f"{base_asset}USD"
        self.native = f"{self.pair}_PERP"
        self.size_usd = size_usd

    def contracts(self, price: float, quantity: float) -> int:
        """Whole contracts worth `quantity` base units at `price`, at least one."""
        return max(1, round(price * quantity / self.size_usd))

    def price(self, value: float) -> str:
        """A price as COIN-M writes it."""
        return f"{value:.2f}"


class SymbolTexts:
    """All symbols of a market by canonical, native and stream spelling.

    Args:
        table: the instruments listed.
    """

    def __init__(self, table: InstrumentTable) -> None:
        texts = [SymbolText(instrument) for instrument in table]
        self._by_symbol = {text.symbol: text for text in texts}
        self._by_native = {text.native: text for text in texts}
        self._by_stream = {text.stream: text for text in texts}

    def __iter__(self) -> Iterator[SymbolText]:
        return iter(self._by_native.values())

    def of(self, symbol: str) -> SymbolText:
        """By canonical symbol.

        Raises:
            KeyError: not listed.
        """
        return self._by_symbol[symbol]

    def native(self, native: str) -> SymbolText | None:
        """By the venue's symbol, None when it is not listed."""
        return self._by_native.get(native)

    def stream(self, name: str) -> SymbolText | None:
        """By the lower-case spelling of stream names, None when it is not listed."""
        return self._by_stream.get(name)
