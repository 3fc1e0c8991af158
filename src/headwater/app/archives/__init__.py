"""Public archives of market data, read from files into our records."""
