"""The reference of connectors, from their manifests."""

from typing import Final

from wedsync.connections.manifest import Connect, Manifest, find

HEAD: Final = """\
# Connectors

Generated from `wedsync/connectors/*/manifest.toml` by `make docs`. The status is honest: `verified` was tried against
the real thing, `documented, untested live` follows the provider's documents and was tried against a stand-in only.

| Connector | What it does | Status |
|---|---|---|
"""
WAYS: Final = {
    "oauth2": "You are sent to the provider, sign in there and say yes (OAuth 2 with PKCE).",
    "password": "By user name and password, tried before they are kept.",
    "key": "By a key that you make at the provider, tried before it is kept.",
    "address": "By an address that is itself the secret, tried before it is kept.",
    "described": "By what you say about your API on a page of its own, tried before it is kept.",
}


def page() -> str:
    """Markdown: a table of all, then each."""
    found = find().values()
    rows = "".join(f"| [{m.title}](#{m.name}) | {', '.join(m.does)} | {m.status} |\n" for m in found)
    return HEAD + rows + "".join(f"\n{_section(m)}" for m in found)


def _section(manifest: Manifest) -> str:
    limits = manifest.limits
    lines = [
        f"## {manifest.name}",
        "",
        manifest.summary,
        "",
        f"* Each exchange ends within {limits.timeout_s:g} s ({limits.live_timeout_s:g} s on a wedding day); at most "
        f"{limits.in_flight_max} at once and {limits.rate_per_minute} a minute for each destination.",
    ]
    lines += _connecting(manifest.connect) if manifest.connect is not None else []
    if manifest.hooks is not None:
        lines.append(f"* It tells us of changes; what it sends is verified as `{manifest.hooks.scheme}`.")
    if manifest.calendars is not None:
        lines.append(f"* Its calendars are asked every {manifest.calendars.poll_s} s where it does not tell us.")
    if manifest.records is not None:
        lines.append(f"* Its jobs are asked for every {manifest.records.poll_s} s where it does not tell us.")
    if manifest.sends is not None:
        lines.append("* It only takes in: new enquiries and bookings are handed in at once, and nothing is read.")
    lines += [f"* `{value.name}`: {value.description}" for value in (*manifest.settings, *manifest.secrets)]
    named = [f"`WEDSYNC_{name.upper()}`" for name in (*manifest.operator_settings, *manifest.operator_secrets)]
    if named:
        lines.append(f"* The operator's settings it reads: {', '.join(named)}.")
    return "\n".join(lines) + "\n"


def _connecting(connect: Connect) -> list[str]:
    lines = [f"* How an account is connected: {WAYS[connect.way]}"]
    urls = (connect.authorize_url, connect.token_url, connect.revoke_url)
    names = (connect.client_id, connect.client_secret, *urls, connect.scopes_setting)
    named = [f"`WEDSYNC_{name.upper()}`" for name in names if name]
    if named:
        lines.append(f"* The operator registers WedSync there and sets {', '.join(named)}.")
    if connect.profile is not None:
        lines.append("* In place of that, once the settings of a partner are set:")
        lines += [f"  {line}" for line in _connecting(connect.profile)]
    if connect.scopes:
        lines.append(f"* It is asked to allow: {', '.join(f'`{scope}`' for scope in connect.scopes)}.")
    return lines
