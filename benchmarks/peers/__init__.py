"""The peers that the market-data path is measured beside: their environments and their entries.

`python -m benchmarks.peers` makes one environment per peer under `.bench-peers/` from hash-locked
requirement files; nothing of a peer is ever imported by the platform itself.
"""
