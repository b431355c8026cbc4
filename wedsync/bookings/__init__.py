"""Bookings: what of a supplier is held or booked when, what cannot both be right, and on which days it is still free.

That two bookings of one resource never overlap is the database's promise; the other side sees its own booking and days.
"""
