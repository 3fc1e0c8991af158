"""Lets `python -m headwater.app` run the command line; the demo starts its child this way."""

from headwater.app.cli import main

if __name__ == "__main__":
    main()
