"""Connected accounts: how a person connects one, how its credentials are kept fresh, and how it is known to be well."""
