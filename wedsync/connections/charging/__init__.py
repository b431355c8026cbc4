"""Charging: connected accounts that couples pay suppliers through, what their provider says of it, and our share."""
