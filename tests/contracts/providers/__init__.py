"""Connectors that only tests have: one whose accounts are connected by OAuth 2, one by a form."""
