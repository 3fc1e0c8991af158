"""Turns venues into topics: connections, books, polling, back-fill, gaps."""
