"""Where the demo's connectors go instead of the real providers: into the sandbox."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET, HOOK_SECRET, PHONE_ACCOUNT, PHONE_NUMBER
from wedsync.kit.config import Settings

WEATHER: Final = ("open_meteo_base_url", "open-meteo")


def pointed(settings: Settings) -> Settings:
    """With the providers that nobody has configured pointed at the sandbox."""
    at = settings.sandbox_url
    found: dict[str, str] = {}
    if not settings.google_calendar_client_id:
        found |= _oauth("google_calendar", f"{at}/google/calendar/v3", f"{at}/google/oauth2")
        found["google_calendar_revoke_url"] = f"{at}/google/oauth2/revoke"
    if not settings.outlook_calendar_client_id:
        found |= _oauth("outlook_calendar", f"{at}/graph/v1.0", f"{at}/graph/oauth")
    if not settings.stripe_client_id:
        found |= {
            "stripe_base_url": f"{at}/stripe",
            "stripe_client_id": CLIENT_ID,
            "stripe_secret_key": CLIENT_SECRET,
            "stripe_webhook_secrets": HOOK_SECRET,
            "stripe_authorize_url": f"{at}/stripe/oauth/authorize",
            "stripe_token_url": f"{at}/stripe/oauth/token",
            "stripe_deauthorize_url": f"{at}/stripe/oauth/deauthorize",
        }
    if settings.icloud_calendar_base_url == type(settings)().icloud_calendar_base_url:
        found["icloud_calendar_base_url"] = f"{at}/caldav/"
    return msgspec.structs.replace(settings, **found, **_crms(settings, at), **_words(settings, at))


def _crms(settings: Settings, at: str) -> dict[str, str]:
    """Studios, venues and planners keep their clients in these."""
    found: dict[str, str] = {}
    for name in ("honeybook", "tripleseat", "constant_contact", "mailchimp"):
        if not getattr(settings, f"{name}_client_id"):
            found |= _oauth(name, f"{at}/{name}/api", f"{at}/{name}/oauth")
    if "mailchimp_client_id" in found:
        found["mailchimp_metadata_url"] = f"{at}/mailchimp/oauth/metadata"
    if "honeybook_client_id" in found:
        found["honeybook_scopes"] = "projects"
    for name, path in (("tave_base_url", "tave/api/v2"), ("light_blue_base_url", "light-blue/api"), WEATHER):
        if getattr(settings, name) == getattr(type(settings)(), name):
            found[name] = f"{at}/{path}"
    return found


def _words(settings: Settings, at: str) -> dict[str, str]:
    """Texts, calls and channels."""
    found: dict[str, str] = {}
    if not settings.twilio_account_sid:
        found |= {
            "twilio_base_url": f"{at}/twilio",
            "twilio_account_sid": PHONE_ACCOUNT,
            "twilio_auth_token": HOOK_SECRET,
            "twilio_from": PHONE_NUMBER,
        }
    if not settings.slack_client_id:
        found |= _oauth("slack", f"{at}/slack/api", f"{at}/slack/oauth")
        found |= {"slack_revoke_url": f"{at}/slack/oauth/revoke", "slack_signing_secret": HOOK_SECRET}
    if settings.teams_hosts == type(settings)().teams_hosts:
        found["teams_hosts"] = urlsplit(at).hostname or ""
    if settings.teams_graph_base_url == type(settings)().teams_graph_base_url:
        found |= {
            "teams_graph_base_url": f"{at}/teams-graph/v1.0",
            "teams_graph_token_url": f"{at}/teams-graph/{{tenant}}/oauth2/v2.0/token",
        }
    return found


def _oauth(name: str, base: str, consent: str) -> dict[str, str]:
    return {
        f"{name}_base_url": base,
        f"{name}_client_id": CLIENT_ID,
        f"{name}_client_secret": CLIENT_SECRET,
        f"{name}_authorize_url": f"{consent}/authorize",
        f"{name}_token_url": f"{consent}/token",
    }
