"""The one OAuth client that every provider of the sandbox knows unless told another: the demo's settings name it."""

from typing import Final

CLIENT_ID: Final = "wedsync-sandbox"
CLIENT_SECRET: Final = "the-sandbox-is-no-secret"  # noqa: S105 - of a provider that does not exist
HOOK_SECRET: Final = "whsec_the-sandbox-is-no-secret"  # noqa: S105 - the same, of what it signs to tell us
PHONE_ACCOUNT: Final = "AC" + "5a" * 16
PHONE_NUMBER: Final = "+441632960000"
