"""HoneyBook: a business's projects and the couples they are for, over its API for partners."""
