"""Pages of photo deliveries: the couple's calm list, and the supplier's form."""

from wedsync.photos.pages import couple, supplier

ROUTES = (*couple.ROUTES, *supplier.ROUTES)
