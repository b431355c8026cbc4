"""Pages of bookings: the studio's calendar, one booking, what can be booked, who is there when, and free days."""

from wedsync.bookings.pages import against, booking, calendar, public, setup

ROUTES = (*calendar.ROUTES, *booking.ROUTES, *setup.ROUTES, *public.ROUTES, *against.ROUTES)
