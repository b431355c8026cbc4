"""The JSON door of clients: one by one, and lists of them."""

from wedsync.clients.api import clients, imports

ROUTES = (*clients.ROUTES, *imports.ROUTES)
