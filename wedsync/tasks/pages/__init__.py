"""Pages of tasks: the couple's list and chase list, a supplier's own, and the page a helper's pass opens."""

from wedsync.tasks.pages import couple, helper, owed, supplier

ROUTES = (*couple.ROUTES, *owed.ROUTES, *supplier.ROUTES, *helper.ROUTES)
