"""Grading by hand: which answers, a session that commits every grade, spreadsheets, agreement, effective verdicts."""
