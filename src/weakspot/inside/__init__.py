"""Inside one model on one prompt: attention, residual stream, lens, and what taking a part out does. Needs torch."""
