"""The webhook connector: events as signed POSTs to an address that a tenant gave (Standard Webhooks 1.0.0)."""
