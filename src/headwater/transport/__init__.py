"""The only package that opens connections to venues."""
