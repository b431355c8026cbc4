"""The studio's pages of clients: the list, one client, and the three steps of an import."""

from wedsync.clients.pages import clients, imports

ROUTES = (*clients.ROUTES, *imports.ROUTES)
