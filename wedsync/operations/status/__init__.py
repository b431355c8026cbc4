"""The public page of the platform: how it does in plain words, what was announced, and when it is best maintained."""
