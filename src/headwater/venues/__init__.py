"""Everything that differs between exchanges. Opens no socket, reads no clock, waits for nothing.

One folder is one venue; `base` is the contract they fulfil, `discovery` finds them.
"""
