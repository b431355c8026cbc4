"""Channels of weddings in chat programs: whose workspace hears what, messages kept up to date, and their buttons."""
