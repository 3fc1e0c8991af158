"""Any exchange of ccxt behind the venue contract: by REST, marked as such, slower than a folder.

    venue = bridge("kraken")     # an exchange's id in ccxt; needs the optional extra `ccxt`

Discovery leaves this folder out: it is not a venue but makes them, for the ids that the setting
`ccxt_exchanges` names.
"""

from headwater.venues.ccxt_bridge.venue import bridge

__all__ = ["bridge"]
