"""What the kitchen gets: dietary totals without names, numbered sheets with them, and final numbers."""
