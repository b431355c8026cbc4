"""Suppliers: businesses and their people, their links into weddings, and the portfolio over all of them.

Only the couple sets what a link may see; the schema itself cannot hold a grant of budget or private.
"""
