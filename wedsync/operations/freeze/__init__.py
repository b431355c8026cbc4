"""The platform's freeze: while weddings are live or a day is guarded, nothing of the platform itself is changed."""
