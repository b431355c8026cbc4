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
    tave_client_id: Annotated[
        str, about("Your OAuth 2 client, if you are a partner of VSCO. With all of its profile, studios need no key.")
    ] = ""
    tave_client_secret: Annotated[str, about("The secret of that client.", secret=True)] = ""
    tave_authorize_url: Annotated[str, about("Where studios are asked to let us in. Empty: they give a key.")] = ""
    tave_token_url: Annotated[str, about("Where VSCO gives and refreshes tokens. Empty: studios give a key.")] = ""
    tave_scopes: Annotated[str, about("What VSCO is asked to allow, parted by blanks; as it tells you.")] = ""

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

    mailchimp_base_url: Annotated[
        str, about("Mailchimp's API; `{dc}` is an account's data centre, which Mailchimp tells.")
    ] = "https://{dc}.api.mailchimp.com/3.0"
    mailchimp_client_id: Annotated[str, about("OAuth 2 application of yours at Mailchimp. Empty: not on offer.")] = ""
    mailchimp_client_secret: Annotated[str, about("The secret of that application.", secret=True)] = ""
    mailchimp_authorize_url: Annotated[str, about("Where businesses are asked to let us in.")] = (
        "https://login.mailchimp.com/oauth2/authorize"
    )
    mailchimp_token_url: Annotated[str, about("Where Mailchimp gives tokens.")] = (
        "https://login.mailchimp.com/oauth2/token"  # noqa: S105 -- an address
    )
    mailchimp_metadata_url: Annotated[str, about("Where Mailchimp says which data centre an account is in.")] = (
        "https://login.mailchimp.com/oauth2/metadata"
    )

    constant_contact_base_url: Annotated[str, about("Constant Contact's API.")] = "https://api.cc.email/v3"
    constant_contact_client_id: Annotated[
        str, about("OAuth 2 application of yours at Constant Contact (its API key). Empty: not on offer.")
    ] = ""
    constant_contact_client_secret: Annotated[str, about("The secret of that application.", secret=True)] = ""
    constant_contact_authorize_url: Annotated[str, about("Where businesses are asked to let us in.")] = (
        "https://authz.constantcontact.com/oauth2/default/v1/authorize"
    )
    constant_contact_token_url: Annotated[str, about("Where Constant Contact gives and refreshes tokens.")] = (
        "https://authz.constantcontact.com/oauth2/default/v1/token"  # noqa: S105 -- an address
    )

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
    stripe_deauthorize_url: Annotated[str, about("Where our access to an account is given back.")] = (
        "https://connect.stripe.com/oauth/deauthorize"
    )

    mail_chain: Annotated[
        str,
        about(
            "Who sends mail, by comma: the first of them that is well. Who is not set up is left out; with only "
            "one of them set up, all mail goes there."
        ),
    ] = "resend,sendgrid,smtp"
    open_meteo_base_url: Annotated[
        str,
        about(
            "Where forecasts are asked for. Open-Meteo's own server is free for non-commercial use only; whatever "
            "speaks its API can stand in."
        ),
    ] = "https://api.open-meteo.com"
    resend_base_url: Annotated[str, about("Resend's API.")] = "https://api.resend.com"
    resend_api_key: Annotated[
        str,
        about("Key of your Resend account (`re_…`); one that only sends will do. Empty: not used.", secret=True),
    ] = ""
    resend_webhook_secrets: Annotated[
        str,
        about(
            "Signing secrets (`whsec_…`, by comma) of the webhook at Resend that points to `/hooks/resend`. Empty: "
            "nothing that Resend says is believed.",
            secret=True,
        ),
    ] = ""
    sendgrid_base_url: Annotated[
        str, about("SendGrid's API; `https://api.eu.sendgrid.com` for an account in the EU.")
    ] = "https://api.sendgrid.com"
    sendgrid_api_key: Annotated[
        str, about("Key of your SendGrid account (`SG.…`) with access to Mail Send. Empty: not used.", secret=True)
    ] = ""
    sendgrid_webhook_keys: Annotated[
        str,
        about(
            "Public keys (by comma) of the signed event webhook at SendGrid that points to `/hooks/sendgrid`. Empty: "
            "nothing that SendGrid says is believed."
        ),
    ] = ""

    twilio_base_url: Annotated[str, about("Twilio's API.")] = "https://api.twilio.com"
    twilio_account_sid: Annotated[str, about("Your account at Twilio (`AC…`). Empty: nobody is texted or called.")] = ""
    twilio_auth_token: Annotated[
        str, about("The account's auth token: it sends, and proves what Twilio tells us.", secret=True)
    ] = ""
    twilio_from: Annotated[
        str, about("Your number at Twilio (`+44…`): calls come from it, and texts where there is no messaging service.")
    ] = ""
    twilio_messaging_service: Annotated[
        str, about("Messaging service (`MG…`) for notices. Its incoming texts go to `/hooks/twilio/phone/texts`.")
    ] = ""
    twilio_emergency_service: Annotated[
        str, about("Messaging service (`MG…`) for what cannot wait, with senders of its own. Empty: that of notices.")
    ] = ""
    phone_regions: Annotated[
        str, about("Countries whose numbers people may give (`GB,IE,US`, by comma). Empty: any.")
    ] = ""
    slack_base_url: Annotated[str, about("Slack's Web API.")] = "https://slack.com/api"
    slack_client_id: Annotated[str, about("Client id of your Slack app. Empty: not on offer.")] = ""
    slack_client_secret: Annotated[str, about("The client secret of that app.", secret=True)] = ""
    slack_signing_secret: Annotated[
        str,
        about(
            "Signing secret of that app, whose interactivity is sent to `/hooks/slack`; while it is exchanged both, by "
            "comma. Empty: no button does anything.",
            secret=True,
        ),
    ] = ""
    slack_authorize_url: Annotated[str, about("Where people are asked to let us into their workspace.")] = (
        "https://slack.com/oauth/v2/authorize"
    )
    slack_token_url: Annotated[str, about("Where Slack gives and refreshes tokens.")] = (
        "https://slack.com/api/oauth.v2.access"  # noqa: S105 -- an address
    )
    slack_revoke_url: Annotated[str, about("Where tokens are given back.")] = "https://slack.com/api/auth.revoke"

    teams_graph_base_url: Annotated[
        str, about("Microsoft Graph, version 1.0, by which channels are made in Teams; national clouds have their own.")
    ] = "https://graph.microsoft.com/v1.0"
    teams_graph_token_url: Annotated[
        str, about("Where Microsoft gives a business's own app its tokens; `{tenant}` is the business's directory.")
    ] = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105 -- an address
    teams_hosts: Annotated[
        str, about("Below which names addresses of Microsoft's workflows are taken, by comma, for channels in Teams.")
    ] = "logic.azure.com,api.powerplatform.com"
