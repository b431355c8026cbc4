"""Pages of tasks: the couple's list, and the page a helper's pass opens."""

from wedsync.tasks.pages import couple, helper

ROUTES = (*couple.ROUTES, *helper.ROUTES)
