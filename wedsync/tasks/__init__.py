"""Tasks: what has to be done, by whom and by when; a date of its own or so many days before the wedding.

Given to a supplier, only that supplier and the couple see it; given to a partner or helper, only they and the couple.
"""
