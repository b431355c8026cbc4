"""A supplier's own clients: couples as its books or its CRM know them, seen by nobody else until a couple joins.

One by one, or as a list of any CRM (`importing`); names and addresses are sealed.
"""
