"""Pages of operations."""

from wedsync.operations.pages import security

ROUTES = security.ROUTES
