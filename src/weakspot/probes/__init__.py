"""Suites as data, reading and checking probe files, the quick selection."""
