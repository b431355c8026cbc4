"""Calendars of suppliers: what an event is in all of them, how two sides become one, and how that is kept up."""
