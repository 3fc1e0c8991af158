"""Simulated exchanges: a market with a matching engine, served in each venue's wire protocol."""
