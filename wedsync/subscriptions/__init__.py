"""Subscriptions: webhook endpoints of weddings and suppliers, their secrets, and the ledger of what was delivered."""
