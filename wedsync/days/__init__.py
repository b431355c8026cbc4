"""Days: a wedding day as it happens: amendments, who is there, how far it has come, and what waits for a second word.

The plan itself is the schedule's; here is what is said about it on the day, and nothing of it is ever taken back.
"""
