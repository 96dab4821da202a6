"""One frozen plan; execute it (the only concurrency); compare."""
