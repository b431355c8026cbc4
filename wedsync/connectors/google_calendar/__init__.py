"""Google Calendar: events of a supplier's own calendars, both ways, by API version 3."""
