"""Resend: mail by its API, with a key that makes a repeat safe, and hooks that say what became of each."""
