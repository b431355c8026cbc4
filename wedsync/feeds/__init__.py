"""Feeds: calendars we publish at an address of their own, for every program that can subscribe to one.

A feed shows what the person who made it may see, at the moment it is read: never more than their pages do. Its address
is its signed id, so it can be copied again, guessed by nobody, and ended.
"""
