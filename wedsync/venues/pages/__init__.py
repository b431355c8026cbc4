"""Pages of venues: a supplier's spaces, what it gives to one wedding, and the couple's view of all of it."""

from wedsync.venues.pages import couple, studio, supplier

ROUTES = (*couple.ROUTES, *studio.ROUTES, *supplier.ROUTES)
