"""The operator's console: today's weddings, the stream of events, what was given up, businesses, refusals and acts."""
