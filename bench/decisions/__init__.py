"""Small measurements behind docs/decisions: one file a choice, seconds each, no load beyond one busy core."""
