"""Venues: a supplier's spaces with how many each takes, and which of them it gives to which part of a linked wedding.

Whether those who have accepted still fit is kept by `app.record` beside the head counts, and told to both sides.
"""
