"""Algorithms: records in, records out; no waiting, no I/O."""
