"""From order request to fill.

`paper*` is a venue without a network: one fill model for back-tests and paper trading.
"""
