"""The body of each command, without its parsing, to use from Python."""
