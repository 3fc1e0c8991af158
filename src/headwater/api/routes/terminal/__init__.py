"""REST of the terminal API, `/api/v1/…`: display-ready data for a trading screen."""
