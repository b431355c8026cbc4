"""Light Blue: new enquiries and bookings into a photographer's Inbox, over its inbound API."""
