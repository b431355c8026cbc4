"""Payments: what a supplier asks the couple to pay by when, what came of it, and the share of it that is ours.

Between the two of them alone: the couple and that supplier see a payment, nobody else knows of it.
"""
