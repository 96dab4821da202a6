"""Scorers held against labels by people: labelled rows in, agreement with intervals out, beside a naive floor.

`labelled` reads rows, `trials` says which scorer fits which, `floors` holds the naive scorers, `measuring` counts.
It knows labelled files, not runs: nothing here is scored for a report on a model.
"""
