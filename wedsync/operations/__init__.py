"""Watches over the running product, never in the way of a request."""
