"""Pages of proposals: the couple's, where they are decided, and a supplier's, where they are made."""

from wedsync.proposals.pages import couple, supplier

ROUTES = (*couple.ROUTES, *supplier.ROUTES)
