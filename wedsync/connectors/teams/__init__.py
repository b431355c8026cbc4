"""Microsoft Teams: cards in one channel, by the address of its workflow."""
