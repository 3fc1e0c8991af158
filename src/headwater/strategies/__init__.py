"""Strategies: from what is known now to what shall be done, and nothing of money or venues."""
