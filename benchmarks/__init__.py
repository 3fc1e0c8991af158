"""Measurements of speed and memory, beside named peers; see README.md and RESULTS.md."""
