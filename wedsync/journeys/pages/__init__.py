"""Pages of journeys: the supplier's list and editor, one wedding on its way, what a couple gets, and the way out."""

from wedsync.journeys.pages import stop, studio, weddings

ROUTES = (*studio.ROUTES, *weddings.ROUTES, *stop.ROUTES)
