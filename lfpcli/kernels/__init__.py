"""The inner loops, compiled, each behind a function that checks shapes."""
