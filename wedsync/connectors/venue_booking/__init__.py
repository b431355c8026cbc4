"""A venue's own booking system, whatever it is, over the small API that its README describes."""
