"""The spine: events, what they owe, and how they reach screens and receivers."""
