"""Headwater: every crypto-derivatives venue's market data as one normalised stream."""

__version__ = "0.1.0"
