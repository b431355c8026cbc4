"""Pages of payments: the couple's list, the supplier's form, and our commission."""

from wedsync.payments.pages import commission, couple, supplier

ROUTES = (*couple.ROUTES, *supplier.ROUTES, *commission.ROUTES)
