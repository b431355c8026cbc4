"""Invitations: a supplier asks the couples among its clients to join, and a couple brings its other suppliers.

What a mail may do is decided by `model`; what reaches over tenants stands in the database beside the tables.
"""
