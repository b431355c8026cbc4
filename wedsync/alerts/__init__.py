"""Alerts: an emergency of a wedding that calls people, second by second, until one of them acknowledges it.

The ladder (`ladder.py`) is pure; each step is a job that was owed together with the step before it, so that a process
that dies delays nothing. Acknowledging takes back what has not left yet.
"""
