"""Architecture cards and their arithmetic, from headers alone."""
