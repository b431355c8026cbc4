"""Slack: a channel for each wedding, messages with a button, updated in place."""
