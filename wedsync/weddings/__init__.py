"""Weddings: the core facts every linked party sees, who belongs to a wedding, its passes and its public website.

A change of date, venue, times or estimate is one event and opens an acknowledgement for every linked supplier.
"""
