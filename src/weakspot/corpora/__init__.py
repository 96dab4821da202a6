"""Corpora under tokenizers: read in constant memory, every finding logged, figures with their intervals."""
