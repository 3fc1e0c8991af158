"""The only package that knows all parts: settings, wiring, command line."""
