"""One file per command: the library calls, where rooms are put together."""
