"""The JSON doors of operations."""

from wedsync.operations.api import security

ROUTES = security.ROUTES
