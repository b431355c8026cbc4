"""The JSON door of journeys: a supplier's own, and the weddings on their way."""

from wedsync.journeys.api import journeys, weddings

ROUTES = (*journeys.ROUTES, *weddings.ROUTES)
