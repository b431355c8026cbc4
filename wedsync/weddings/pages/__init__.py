"""The couple's own pages of their wedding, and its public website."""

from wedsync.weddings.pages import overview, settings, site

ROUTES = (*overview.ROUTES, *settings.ROUTES, *site.ROUTES)
