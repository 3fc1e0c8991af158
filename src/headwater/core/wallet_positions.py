"""Open positions of a wallet whose venue shows them to everybody."""

from typing import ClassVar

from headwater.core.enums import PositionSide
from headwater.core.records import Record


class WalletPosition(Record, frozen=True, kw_only=True, gc=False):
    """One open position; `timestamp_ms` is when the venue said so, else when it was received.

    Attributes:
        address: of the wallet: `0x` and 40 hexadecimal digits, lower case.
        position_side: direction.
        quantity: base units, > 0.
        entry_price: average, quote currency; None where the venue does not say.
        liquidation_price: mark price at which it would be closed by force, quote currency, > 0;
            None where no price does that, such as of a long with more margin than value.
        notional_usd: its value at the mark price of the reading, USD.
        leverage: as set for the position, > 0.
        is_cross: whether it shares its margin with others: then its liquidation price moves with
            them.
    """

    kind: ClassVar[str] = "wallet_position"

    address: str
    position_side: PositionSide
    quantity: float
    entry_price: float | None
    liquidation_price: float | None
    notional_usd: float
    leverage: float
    is_cross: bool
