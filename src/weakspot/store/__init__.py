"""The run folder and the reply cache: append-only, crash-safe. Does not know what the records mean."""
