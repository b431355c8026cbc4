"""Friday's preflight: whether everything that the next weddings need is there, and what to do where it is not."""
