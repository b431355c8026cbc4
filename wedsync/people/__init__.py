"""People: logins, sign-in by a pass in a mail, sessions, API keys and access tokens. No passwords anywhere."""
