"""Pages of accounts: what can be connected, the way to a provider and back, and how each account is."""

from wedsync.connections.accounts.pages import consent, gallery, one

ROUTES = (*consent.ROUTES, *gallery.ROUTES, *one.ROUTES)
