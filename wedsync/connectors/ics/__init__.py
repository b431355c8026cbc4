"""Calendars that are published as a feed: read, never written."""
