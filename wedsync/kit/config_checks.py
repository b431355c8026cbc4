"""What makes settings unacceptable although each value alone is well formed: pure checks, a sentence each."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from wedsync.kit.config_connectors import ConnectorSettings
from wedsync.kit.seal import KeyRing

if TYPE_CHECKING:
    from wedsync.kit.config import Settings

DATABASES: Final = (
    "database_url",
    "reader_database_url",
    "service_database_url",
    "owner_database_url",
    "admin_database_url",
)
SECRET_CHARACTERS_MIN: Final = 32
DAY_WORDS: Final = frozenset(
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "peak", "none"}
)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
SCHEMES: Final = {
    "public_url": ("http", "https"),
    "gateway_url": ("ws", "wss"),
    "sandbox_url": ("http", "https"),
    "egress_proxy": ("http", "https"),
    "otlp_url": ("http", "https"),
    "smtp_url": ("smtp", "smtps", "smtp+starttls"),
    "valkey_url": ("valkey", "valkeys", "redis", "rediss", "unix"),
    **dict.fromkeys(DATABASES, ("postgresql", "postgres")),
    **dict.fromkeys((name for name in ConnectorSettings.__struct_fields__ if name.endswith("_url")), ("http", "https")),
}


def problems(settings: "Settings") -> list[str]:
    """Everything wrong with them, in a stable order."""
    addresses = list(_addresses(settings))
    found = [
        *addresses,
        *_hosts(settings),
        *_secrets(settings),
        *_networks(settings),
        *_days(settings),
        *_tls(settings),
        *_traces(settings),
    ]
    # What is no address at all has no host to judge.
    if settings.env == "production" and not addresses:
        found += _production(settings)
    return found


def is_local(url: str) -> bool:
    """Whether every host of a database or Valkey address is a unix socket or loopback."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return True
    hosts = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", []))
    return all(_is_local_host(host) for host in hosts.split(","))


def _is_local_host(host: str) -> bool:
    if not host or host.startswith(("/", "%2F", "%2f")):
        return True
    name = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.rpartition(":")[0] or host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _addresses(settings: "Settings") -> Iterator[str]:
    for name, schemes in SCHEMES.items():
        url = getattr(settings, name)
        if url and not _is_address(url, schemes):
            starts = " or ".join(f"{scheme}://" for scheme in schemes)
            yield f"WEDSYNC_{name.upper()} must be an address that starts with {starts}."
    ports = [p for p in (settings.port, settings.gateway_port, settings.sandbox_port, settings.sandbox_smtp_port) if p]
    if len(set(ports)) < len(ports):
        yield "The ports of web, gateway, sandbox and its mail server must differ from each other."


def _hosts(settings: "Settings") -> Iterator[str]:
    for name in DATABASES:
        parts = urlsplit(getattr(settings, name)) if _is_address(getattr(settings, name), SCHEMES[name]) else None
        if parts and "," in parts.netloc.rpartition("@")[2] and "read-write" not in _wanted(parts.query):
            yield (
                f"WEDSYNC_{name.upper()} names several hosts, of which only one takes changes. Add "
                "`?target_session_attrs=read-write`, so that it is found, also after a promotion."
            )


def _wanted(query: str) -> list[str]:
    return parse_qs(query).get("target_session_attrs", [])


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        return urlsplit(url).scheme in schemes
    except ValueError:
        return False


def _secrets(settings: "Settings") -> Iterator[str]:
    for name in ("jwt_secret", "couples_webhook_secret"):
        value = getattr(settings, name)
        if not value:
            yield f"WEDSYNC_{name.upper()} is missing. Make one with `openssl rand -base64 48` and keep it safe."
        elif len(value) < SECRET_CHARACTERS_MIN:
            yield f"WEDSYNC_{name.upper()} is too short: use at least {SECRET_CHARACTERS_MIN} random characters."
    if not settings.seal_keys:
        yield "WEDSYNC_SEAL_KEYS is missing. Make a key with `echo k1:$(openssl rand -base64 32)` and keep it safe."
        return
    try:
        KeyRing.from_setting(settings.seal_keys)
    except ValueError as problem:
        yield str(problem)


def _networks(settings: "Settings") -> Iterator[str]:
    for name in ("egress_allow", "trusted_proxies"):
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                yield f"WEDSYNC_{name.upper()} holds {network!r}, which is no network; write it like 10.1.0.0/16."


def _days(settings: "Settings") -> Iterator[str]:
    for word in settings.freeze_guarded:
        if word.lower() not in DAY_WORDS and not _is_day(word):
            yield (
                f"WEDSYNC_FREEZE_GUARDED holds {word!r}, which is no day; write a weekday such as saturday, peak, "
                "12-31, 2027-06-04, or none."
            )


def _is_day(word: str) -> bool:
    try:
        return len(word) in (5, 10) and bool(date.fromisoformat(f"2024-{word}" if len(word) == 5 else word))
    except ValueError:
        return False


def _tls(settings: "Settings") -> Iterator[str]:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        yield "WEDSYNC_TLS_CERT and WEDSYNC_TLS_KEY belong together: set both or neither."
    for name in ("tls_cert", "tls_key"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            yield f"WEDSYNC_{name.upper()} points to {path}, where there is no file."


def _traces(settings: "Settings") -> Iterator[str]:
    pairs = [part.partition("=") for part in settings.otlp_headers.split(",") if part.strip()]
    if not all(_HEADER.fullmatch(name.strip()) and value.strip().isprintable() for name, _, value in pairs):
        yield "WEDSYNC_OTLP_HEADERS must be headers, `name=value` by comma; write a space in a value as %20."


def _production(settings: "Settings") -> Iterator[str]:
    if settings.egress_allow:
        yield (
            "WEDSYNC_EGRESS_ALLOW must be empty in production: it would let what tenants type reach private networks."
        )
    yield from _proxy(settings)
    for name in DATABASES:
        url = getattr(settings, name)
        if url and not is_local(url) and parse_qs(urlsplit(url).query).get("sslmode") != ["verify-full"]:
            yield (
                f"WEDSYNC_{name.upper()} leaves this machine without verified TLS. Add `?sslmode=verify-full` "
                "(and `&sslrootcert=…` for a private authority)."
            )
    if settings.valkey_url and not is_local(settings.valkey_url) and not _is_encrypted_valkey(settings.valkey_url):
        yield "WEDSYNC_VALKEY_URL leaves this machine without TLS, and events pass through it. Use valkeys:// instead."
    for name, scheme in (("public_url", "https"), ("gateway_url", "wss")):
        if urlsplit(getattr(settings, name)).scheme != scheme:
            yield f"WEDSYNC_{name.upper()} must be the {scheme}:// address that people use in production."
    if not (settings.smtp_url or settings.resend_api_key or settings.sendgrid_api_key):
        yield (
            "WEDSYNC_SMTP_URL is missing: people sign in by mail. Use `smtp://user:password@host:587`, or the key of "
            "a provider (WEDSYNC_RESEND_API_KEY, WEDSYNC_SENDGRID_API_KEY)."
        )


def _proxy(settings: "Settings") -> Iterator[str]:
    url = urlsplit(settings.egress_proxy)
    if url.password and url.scheme == "http" and not is_local(settings.egress_proxy):
        yield (
            "WEDSYNC_EGRESS_PROXY would send its password in clear. Reach the proxy by https://, or without a password."
        )


def _is_encrypted_valkey(url: str) -> bool:
    return urlsplit(url).scheme in ("valkeys", "rediss")
