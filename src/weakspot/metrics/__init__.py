"""Measures beyond a failure rate, as pure functions over rows that hold a probe, its verdict and what was read off.

It knows no scorer, run folder or model: `weakspot.api.metrics` reads replies and hands over `rows.Row`.
"""
