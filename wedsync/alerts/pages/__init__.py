"""Pages of alerts: for the couple, for a supplier, for whoever opens the link of a mail, and the bar on every page."""

from wedsync.alerts.pages import alarm, couple, supplier

ROUTES = (*alarm.ROUTES, *couple.ROUTES, *supplier.ROUTES)
