"""Calendars over CalDAV: iCloud's, and those of any other server that speaks it."""
