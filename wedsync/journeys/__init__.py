"""Journeys: what a supplier does for each of its couples, and when, by the booking, the wedding or its end.

The plan of a wedding is made from the wedding as it stands (`planning`), so a moved date moves all that is not done;
what was done is a row that makes it happen once. Milestones are facts that others follow.
"""
