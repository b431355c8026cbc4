"""Guests: parties and people invited, their contacts and needs (sealed), their RSVPs, and the counts that follow.

Counts are derived under the stream's lock by `app.record`; names, needs and contacts are three tables for three scopes.
"""
