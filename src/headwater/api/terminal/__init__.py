"""The sockets of the terminal API, `/api/v1/ws/…`: display-ready data for a trading screen."""
