"""One module per group of commands; `app/cli.py` puts them together."""
