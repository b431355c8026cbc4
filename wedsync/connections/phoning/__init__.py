"""Texts and calls after they were accepted: what the provider says of them, and what people answer."""
