"""Twilio SendGrid: mail by its v3 API, which knows no repeats, and hooks that say what became of each."""
