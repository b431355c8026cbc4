"""The settings of connectors: each has a block of its own, and the defaults are the real provider.

A connector whose client id or secret is empty is not configured: it is shown as such and cannot be connected.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

SECRET: Final = {"secret": True}


def about(text: str, *, secret: bool = False) -> Meta:
    return Meta(description=text, extra=SECRET if secret else None)


class ConnectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is the variable `WEDSYNC_<FIELD>`; manifests name them."""

    google_calendar_base_url: Annotated[str, about("Google Calendar's API, version 3.")] = (
        "https://www.googleapis.com/calendar/v3"
    )
    google_calendar_client_id: Annotated[
        str, about("OAuth client of your Google Cloud project, with the Calendar API. Empty: not on offer.")
    ] = ""
    google_calendar_client_secret: Annotated[str, about("The secret of that client.", secret=True)] = ""
    google_calendar_authorize_url: Annotated[str, about("Where people are asked to let us in.")] = (
        "https://accounts.google.com/o/oauth2/v2/auth"
    )
    google_calendar_token_url: Annotated[str, about("Where Google gives and refreshes tokens.")] = (
        "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address
    )
    google_calendar_revoke_url: Annotated[str, about("Where tokens are given back.")] = (
        "https://oauth2.googleapis.com/revoke"
    )

    outlook_calendar_base_url: Annotated[str, about("Microsoft Graph, version 1.0, for Outlook's calendars.")] = (
        "https://graph.microsoft.com/v1.0"
    )
    outlook_calendar_client_id: Annotated[
        str, about("Application (client) id of your registration with Microsoft Entra. Empty: not on offer.")
    ] = ""
    outlook_calendar_client_secret: Annotated[str, about("A client secret of that registration.", secret=True)] = ""
    outlook_calendar_authorize_url: Annotated[
        str, about("Where people are asked to let us in; for one organization only, its tenant in place of `common`.")
    ] = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    outlook_calendar_token_url: Annotated[str, about("Where Microsoft gives and refreshes tokens.")] = (
        "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105 -- an address
    )

    tave_base_url: Annotated[str, about("The API of VSCO Workspace, formerly Táve.")] = (
        "https://workspace.vsco.co/api/v2"
    )

    light_blue_base_url: Annotated[str, about("Light Blue's online services, where its API is.")] = (
        "https://online.lightbluesoftware.com"
    )

    honeybook_base_url: Annotated[
        str, about("HoneyBook's partner API, as HoneyBook tells its partners. Empty: not on offer.")
    ] = ""
    honeybook_client_id: Annotated[
        str, about("Your OAuth 2 client as a partner of HoneyBook. Empty: not on offer.")
    ] = ""
    honeybook_client_secret: Annotated[str, about("The secret of that client.", secret=True)] = ""
    honeybook_authorize_url: Annotated[str, about("Where businesses are asked to let us in. Empty: not on offer.")] = ""
    honeybook_token_url: Annotated[str, about("Where HoneyBook gives and refreshes tokens. Empty: not on offer.")] = ""
    honeybook_scopes: Annotated[str, about("What HoneyBook is asked to allow, parted by blanks; as it tells you.")] = ""

    tripleseat_base_url: Annotated[str, about("Tripleseat's API.")] = "https://api.tripleseat.com"
    tripleseat_client_id: Annotated[str, about("OAuth 2 application of yours at Tripleseat. Empty: not on offer.")] = ""
    tripleseat_client_secret: Annotated[str, about("The secret of that application.", secret=True)] = ""
    tripleseat_authorize_url: Annotated[str, about("Where venues are asked to let us in.")] = (
        "https://api.tripleseat.com/oauth/authorize"
    )
    tripleseat_token_url: Annotated[str, about("Where Tripleseat gives and refreshes tokens.")] = (
        "https://api.tripleseat.com/oauth/token"  # noqa: S105 -- an address
    )
    tripleseat_per_second: Annotated[
        int, Meta(ge=1, le=1000), about("Calls a second of one venue at Tripleseat, which answers 429 above ten.")
    ] = 10

    icloud_calendar_base_url: Annotated[
        str, about("The CalDAV server that people connect to without naming another.")
    ] = "https://caldav.icloud.com"

    stripe_base_url: Annotated[str, about("Stripe's API.")] = "https://api.stripe.com"
    stripe_client_id: Annotated[
        str, about("Client id of your Stripe Connect platform (`ca_…`). Empty: nobody is paid online.")
    ] = ""
    stripe_secret_key: Annotated[
        str,
        about("The platform's secret key (`sk_…`): it exchanges codes, and charges connected accounts.", secret=True),
    ] = ""
    stripe_webhook_secrets: Annotated[
        str,
        about(
            "Signing secrets (`whsec_…`, by comma) of the endpoints at Stripe that point to `/hooks/stripe`: one for "
            "connected accounts, one for your own account's events. Empty: nothing that Stripe says is believed.",
            secret=True,
        ),
    ] = ""
    stripe_authorize_url: Annotated[str, about("Where suppliers are asked to connect their account.")] = (
        "https://connect.stripe.com/oauth/authorize"
    )
    stripe_token_url: Annotated[str, about("Where Stripe gives access to an account.")] = (
        "https://connect.stripe.com/oauth/token"  # noqa: S105 -- an address
    )
