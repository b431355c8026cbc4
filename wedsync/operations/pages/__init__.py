"""Pages of operations."""

from wedsync.operations.pages import alerts, health, security

ROUTES = (*security.ROUTES, *health.ROUTES, *alerts.ROUTES)
