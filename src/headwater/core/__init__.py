"""The vocabulary: records, instruments, intervals, the order book, errors, clock and numbers.

Imports nothing of ours and nothing that waits, opens or listens.
"""
