"""Generators: suites made from a seed, each set with its controls, every answer known where the item is made.

A generator is a frozen struct whose fields are its settings, with one method `probes(seed, n)`. The suites that ship
are its output for seed 0. It knows no model, no scorer and no file.
"""
