"""Tripleseat: a venue's bookings and the couples they are for, over its REST API v1."""
