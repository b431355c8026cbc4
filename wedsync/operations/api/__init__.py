"""The JSON doors of operations."""

from wedsync.operations.api import platform, security, slo

ROUTES = (*security.ROUTES, *platform.ROUTES, *slo.ROUTES)
