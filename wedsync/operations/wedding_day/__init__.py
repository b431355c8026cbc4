"""The wedding-day protocol: whether all is ready, who does not come, the pack that opens without a network."""
