"""Connections: one account of one tenant at one provider, and the host of the connectors that speak to providers.

A connector is a folder of `wedsync.connectors` that knows one provider and nothing of our database; the host gives it
what it needs, holds its credentials, and hears from it in the five words of `contract`.
"""
