"""Pages of a wedding day: the same screen for the couple, for suppliers, and for helpers by their pass."""

from wedsync.days.pages import couple, helper, supplier

ROUTES = (*couple.ROUTES, *supplier.ROUTES, *helper.ROUTES)
