"""The database as the operator sees it: its health, what is slow, and how it is brought forward."""
