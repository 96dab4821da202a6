"""What to know about a text under a tokenizer: losses and their stages, odd places, measures to join with failures."""
