"""The couple's own pages of their wedding."""

from wedsync.weddings.pages import overview, settings

ROUTES = (*overview.ROUTES, *settings.ROUTES)
