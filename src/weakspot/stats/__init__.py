"""Intervals, paired tests, multiplicity, power. Knows booleans and groups, not models or probes."""
