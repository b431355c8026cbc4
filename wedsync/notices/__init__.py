"""Notices: the wording of events for people, and who is told by which channel.

One reaction per event decides recipients and owes one delivery per (event, person or party, channel); repeating it
owes nothing new.
"""
