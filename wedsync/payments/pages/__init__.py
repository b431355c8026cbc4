"""Pages of payments: the couple's list, and the supplier's form."""

from wedsync.payments.pages import couple, supplier

ROUTES = (*couple.ROUTES, *supplier.ROUTES)
