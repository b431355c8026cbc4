"""Tools that know nothing of weddings."""
