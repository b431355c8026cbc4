"""Pages of bookings: the studio's calendar, one booking, what can be booked, and the question anybody may ask."""

from wedsync.bookings.pages import booking, calendar, public, setup

ROUTES = (*calendar.ROUTES, *booking.ROUTES, *setup.ROUTES, *public.ROUTES)
