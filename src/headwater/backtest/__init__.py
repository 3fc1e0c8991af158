"""Back-tests: a strategy over past bars or events, with the truth told about fills and costs."""
