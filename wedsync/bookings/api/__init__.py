"""The JSON door of bookings: what is booked and what stands against it, what can be booked, which days are free."""

from wedsync.bookings.api import bookings, days, resources

ROUTES = (*bookings.ROUTES, *resources.ROUTES, *days.ROUTES)
