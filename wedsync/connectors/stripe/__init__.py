"""Stripe Connect: couples pay on the supplier's own account, and our share is the application fee."""
