"""Why a text is cut so: byte-pair encoding from scratch, lattices and greedy trails, every step told."""
