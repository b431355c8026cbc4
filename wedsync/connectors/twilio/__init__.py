"""Twilio: texts and calls to people from the operator's account, and what people answer by text or by key."""
