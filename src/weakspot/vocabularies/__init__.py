"""Vocabularies as a whole: training and extending them, and tokens that a model never learnt or no text reaches."""
