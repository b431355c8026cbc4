"""Galleries that a CRM hands out beside its jobs; what is done with them is in `connections.records`."""
