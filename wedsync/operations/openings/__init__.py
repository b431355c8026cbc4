"""Break-glass: one wedding opened to one operator for a while, by the word of a second, in sight of its couple."""
