"""The public door of a business: its page for everybody, and what couples ask there.

An enquiry becomes a client, and its beginning is kept, so that what follows can be told from what was brought in.
"""
