"""The words of notices: one content, in the reader's language, drawn for each channel by pure functions.

Texts that come with the product stand in `texts/<locale>.toml`; what an operator wrote instead is a version in the
database, and the newest one is used.
"""
