"""Phones: the number of a person, proved by a code, what they agreed to, and what is known of the texts sent to it.

Who is texted, and what, is decided by notices; what people answer comes in at `connections.phoning`.
"""
