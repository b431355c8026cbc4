"""Acknowledgements: who has seen a change that concerns them, and said that it is fine.

They are opened by `app.record`, never by a call from another noun; here they are seen, given and tallied.
"""
