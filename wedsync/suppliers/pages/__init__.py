"""Pages about suppliers: the couple's, the studio's, and beginning."""

from wedsync.suppliers.pages import couple, start, studio

ROUTES = (*start.ROUTES, *couple.ROUTES, *studio.ROUTES)
