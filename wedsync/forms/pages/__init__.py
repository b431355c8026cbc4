"""Pages of forms."""

ROUTES = ()
