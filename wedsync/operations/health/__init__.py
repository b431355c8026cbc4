"""Judges every channel, lane, process, pool, account and probe by what it came to, and remembers what changed."""
