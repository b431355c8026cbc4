"""Consent to mails that offer something: a ledger that is asked before each of them, and the way out of them.

What concerns somebody's own wedding is no offer: it has no way out in the mail, and asks nothing here.
"""
