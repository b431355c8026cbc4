"""The JSON doors of operations."""

from wedsync.operations.api import platform, security

ROUTES = (*security.ROUTES, *platform.ROUTES)
