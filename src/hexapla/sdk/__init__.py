"""The library: the same engine in process, no server needed."""
