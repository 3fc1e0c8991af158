"""The routes of the terminal API, `/api/v1/…`: display-ready data, one file per noun."""
