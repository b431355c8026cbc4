"""Pages of accounts: what can be connected, the way to a provider and back, and how each account is."""

from wedsync.connections.accounts.pages import consent

ROUTES = (*consent.ROUTES,)
