"""Speed goals as ratios measured in one run; each file is a command."""
