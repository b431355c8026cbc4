"""Schedule: what happens when and where, what follows what, the days that makes, and whom to ring on the day.

Moving an item re-times what follows it and stops at anchors; every write keeps `wedding_days` true in its transaction.
"""
