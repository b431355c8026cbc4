"""The studio's pages of clients: the list, one client, and the wizard of imports."""

ROUTES = ()
