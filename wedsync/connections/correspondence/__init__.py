"""What a supplier's CRM holds of its words with a couple: the supplier's own, until one of them is shared."""
