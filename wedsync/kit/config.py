"""The settings: one frozen object, read from `WEDSYNC_*` variables and validated before anything starts.

A variable that is absent or empty takes its default. Every problem is collected and told at once, in sentences that
say what to do; a secret's value is never repeated in them. Profiles that hold no real wedding (development, test,
drill) make the secrets they lack and keep them in `data_dir/secrets.json`; staging and production refuse to start.
"""

import difflib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.kit import config_checks
from wedsync.kit.config_connectors import SECRET, ConnectorSettings
from wedsync.kit.config_connectors import about as _about
from wedsync.kit.config_derived import derived
from wedsync.kit.config_profiles import PROFILES
from wedsync.kit.config_secrets import kept_secrets
from wedsync.kit.config_traces import TraceSettings

Env = Literal["development", "test", "drill", "staging", "production"]
Door = Literal["user", "reader", "service", "owner"]
Port = Annotated[int, Meta(ge=0, le=65535)]

PREFIX: Final = "WEDSYNC_"
PLAY_PROFILES: Final = ("development", "test", "drill")
"""Profiles without a real wedding in them: secrets are made, mail goes to the sandbox, nothing is ever frozen."""
LISTS: Final = ("egress_allow", "trusted_proxies", "freeze_guarded")
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


class SettingsInvalid(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """What is wrong with the settings, a sentence each, in the order of the reference."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem}" for problem in self.problems))


class Settings(TraceSettings, frozen=True, kw_only=True):
    """Each field is the variable `WEDSYNC_<FIELD>`; the order is that of the reference."""

    env: Annotated[Env, _about("Profile. development, test and drill hold no real wedding and make their secrets.")] = (
        "development"
    )
    data_dir: Annotated[Path, _about("Folder for the embedded engines, made secrets, logs and uploads.")] = Path("var")

    database_url: Annotated[
        str,
        _about(
            "PostgreSQL 18 or newer as `wedsync_user`. Empty: it is started from its wheel. With a standby: "
            "`postgresql://…@db1,db2/wedsync?target_session_attrs=read-write`; the one that takes changes is found.",
            secret=True,
        ),
    ] = ""
    reader_database_url: Annotated[
        str, _about("The same database as `wedsync_reader`, for the gateway.", secret=True)
    ] = ""
    service_database_url: Annotated[
        str, _about("The same database as `wedsync_service`, for worker and clock.", secret=True)
    ] = ""
    owner_database_url: Annotated[
        str, _about("The same database as `wedsync_owner`, for migrations; only `migrate` and the clock.", secret=True)
    ] = ""
    admin_database_url: Annotated[
        str, _about("Its administrator, for `migrate --prepare` alone; leave it out afterwards.", secret=True)
    ] = ""
    valkey_url: Annotated[
        str, _about("Valkey or Redis; holds only what may be lost. Empty: it is started from its wheel.", secret=True)
    ] = ""
    pool_size: Annotated[
        int,
        Meta(ge=0, le=100),
        _about("Database connections of each process, fixed. 0: by `database_connections`, season and weddings due."),
    ] = 0
    database_connections: Annotated[
        int,
        Meta(ge=0, le=10_000),
        _about("Of all processes together; a quiet month has half. 0: production 100, staging 20, development 10."),
    ] = 0

    jwt_secret: Annotated[str, _about("Signs access tokens (HS256); at least 32 characters.", secret=True)] = ""
    seal_keys: Annotated[
        str,
        _about("Key ring `id:base64,…` of 32-byte keys; the first seals, all open.", secret=True),
    ] = ""
    couples_webhook_secret: Annotated[
        str, _about("Verifies `POST /api/webhooks/couples`; at least 32 characters.", secret=True)
    ] = ""

    host: Annotated[str, _about("Address that web, gateway and sandbox listen on.")] = "127.0.0.1"
    port: Annotated[Port, _about("Port of pages and API; 0 takes a free one.")] = 8000
    gateway_port: Annotated[Port, _about("Port of the realtime gateway; 0 takes a free one.")] = 8001
    sandbox_port: Annotated[Port, _about("Port of the sandbox's pages; 0 takes a free one.")] = 8002
    sandbox_smtp_port: Annotated[Port, _about("Port of the sandbox's mail server; 0 takes a free one.")] = 8025
    public_url: Annotated[str, _about("Where people reach the pages; links in mails start with it.")] = ""
    gateway_url: Annotated[str, _about("Where browsers reach the gateway (ws:// or wss://).")] = ""
    sandbox_url: Annotated[str, _about("Where the sandbox is reached; connectors' fakes live below it.")] = ""
    web_workers: Annotated[int, Meta(ge=1, le=64), _about("Processes that answer pages and API.")] = 2
    tls_cert: Annotated[Path | None, _about("Certificate chain (PEM): web and gateway then speak TLS 1.3.")] = None
    tls_key: Annotated[Path | None, _about("Private key (PEM) of `tls_cert`.")] = None

    trusted_proxies: Annotated[
        tuple[str, ...],
        _about(
            "Networks (CIDR, by comma) of your own proxies: only what they say in X-Forwarded-For is believed. "
            "Without it, behind a proxy, everybody has the proxy's address and shares its limits."
        ),
    ] = ()
    requests_per_address: Annotated[
        int,
        Meta(ge=10, le=1_000_000),
        _about("Requests a second from one address to one process, whoever asks; twice as many may come at once."),
    ] = 2000
    anonymous_per_address: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        _about(
            "Of these, without signing in: guests' pages, websites. Ten seconds' worth may come at once, so that "
            "a party behind one router answers undisturbed."
        ),
    ] = 50
    requests_per_person: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        _about("Requests a second of one person with all their keys; ten seconds' worth at once."),
    ] = 200
    requests_per_tenant: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        _about(
            "Requests a second that name one wedding, business or pass, by its people; strangers are counted apart."
        ),
    ] = 1000
    sign_ins_per_address: Annotated[
        int,
        Meta(ge=1, le=100_000),
        _about("Sign-in links a minute asked for from one address, in all processes together; an office shares one."),
    ] = 20
    connections_per_address: Annotated[
        int,
        Meta(ge=0, le=1_000_000),
        _about("Open requests (web) and sockets (gateway) of one address at a time. 0: 1000; in play profiles 20000."),
    ] = 0
    shed_delay_ms: Annotated[
        int, Meta(ge=0, le=60_000), _about("How late a web process may be before it sends work away; 0: never.")
    ] = 500

    smtp_url: Annotated[
        str, _about("Outgoing mail, `smtp://user:password@host:587` or `smtps://…:465`.", secret=True)
    ] = ""
    mail_from: Annotated[str, _about("Sender of outgoing mail.")] = "WedSync <no-reply@wedsync.invalid>"
    egress_allow: Annotated[
        tuple[str, ...],
        _about("Networks (CIDR, by comma) that tenants' addresses may point into although not public. Never live."),
    ] = ()

    egress_proxy: Annotated[
        str,
        _about(
            "Proxy (`http://user:password@host:3128`) by which tenants' addresses are reached. It is asked by CONNECT "
            "for the name that we have judged, and must refuse private addresses itself. Empty: none.",
            secret=True,
        ),
    ] = ""

    default_plan: Annotated[
        Literal["", "free", "starter", "professional", "studio"],
        _about("Plan of businesses that were given none by `wedsync plan`. Empty: free; in play profiles studio."),
    ] = ""
    plan_contact: Annotated[
        str, _about("Who changes a business's plan, as its page says it: an e-mail address or a web address.")
    ] = ""
    commission_bp: Annotated[
        int,
        Meta(ge=0, le=5_000),
        _about(
            "Your share of online payments in hundredths of a percent; only of engagements that began with an enquiry "
            "at a supplier's public page. What is asked for keeps the share of its day."
        ),
    ] = 500
    deliveries_per_min: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        _about("Deliveries a minute to one destination that has no rate of its own; 12 seconds' worth may go at once."),
    ] = 100
    freeze_live_max: Annotated[
        int, Meta(ge=0), _about("The platform is frozen while more weddings than this are live.")
    ] = 0
    freeze_guarded: Annotated[
        tuple[str, ...],
        _about(
            "Days on which the platform is frozen where weddings are held, by comma: weekdays, `peak` (days with more "
            "than half as many weddings as the fullest), 12-31 for each year, 2027-06-04; `none` for none."
        ),
    ] = ("saturday", "peak")
    event_retention_days: Annotated[int, Meta(ge=30), _about("Events are kept this long.")] = 730
    attempt_retention_days: Annotated[int, Meta(ge=7), _about("Delivery attempts are kept this long.")] = 90
    delivery_retention_days: Annotated[
        int, Meta(ge=30), _about("Deliveries are kept this long; one that still waits by then expires.")
    ] = 365
    import_retention_days: Annotated[
        int, Meta(ge=1, le=3650), _about("An uploaded guest list is kept this long after its import ended.")
    ] = 30
    inbound_retention_days: Annotated[int, Meta(ge=7), _about("Received hooks are kept this long.")] = 30
    access_log_retention_days: Annotated[int, Meta(ge=30), _about("The access log is kept this long.")] = 365
    security_retention_days: Annotated[int, Meta(ge=30), _about("Security events are kept this long.")] = 365
    wal_archive_dir: Annotated[
        Path | None,
        _about(
            "Folder, best on another disk, to which the bundled PostgreSQL copies its log, at least once a minute: "
            "`wedsync restore --at` can then go back to any moment since a backup. Empty: no archive."
        ),
    ] = None
    backup_retention_days: Annotated[
        int,
        Meta(ge=0),
        _about("Backups reach back to any moment of so many days. 0: production 7, staging 3; development 0."),
    ] = 0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _about("The least serious line that is logged.")
    ] = "info"
    log_to: Annotated[
        Literal["folder", "terminal"],
        _about("Where `wedsync up` sends its processes' logs: `data_dir/log`, or its own output. Live: terminal."),
    ] = "folder"

    connector_environ: Mapping[str, str] = {}
    """The `WEDSYNC_*` variables that are not fields but named by connectors' manifests (`WEDSYNC_DISCORD_BASE_URL`)."""

    @property
    def is_play(self) -> bool:
        return self.env in PLAY_PROFILES

    @property
    def connections(self) -> int:
        """That all pools share."""
        return self.database_connections or PROFILES[self.env].connections

    @property
    def recovery_days(self) -> int:
        """How far back the backups reach, to any moment; 0: the newest backup alone."""
        return self.backup_retention_days or PROFILES[self.env].recovery_days

    @property
    def connections_max(self) -> int:
        """Of one address; play profiles are for load tests from one machine."""
        return self.connections_per_address or (20_000 if self.is_play else 1_000)

    @property
    def plan(self) -> str:
        """The default plan; play profiles are not to be stopped by limits nobody set."""
        return self.default_plan or ("studio" if self.is_play else "free")

    @property
    def has_tls(self) -> bool:
        return self.tls_cert is not None

    def door(self, name: Door) -> str:
        """The database's address for one of its roles; SettingsInvalid where this process was not given it."""
        field = "database_url" if name == "user" else f"{name}_database_url"
        url: str = getattr(self, field)
        if not url:
            raise SettingsInvalid(
                [f"{PREFIX}{field.upper()} is needed here. Set it, or let `wedsync up` start the database."]
            )
        return url

    def environ(self, *, without: Iterable[str] = ()) -> dict[str, str]:
        """The variables that `load` reads back into these settings; `without` withholds fields."""
        withheld = set(without)
        rendered = {
            variable(name): _to_text(getattr(self, name))
            for name in FIELDS
            if name not in withheld and getattr(self, name) not in (None, "", ())
        }
        return {**self.connector_environ, **rendered}

    def __repr__(self) -> str:
        shown = ((n, "…" if is_secret(n) and getattr(self, n) else getattr(self, n)) for n in FIELDS)
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown)})"


HINTS: Final[dict[str, Any]] = typing.get_type_hints(Settings, include_extras=True)
_LAID_BELOW: Final = TraceSettings.__struct_fields__
FIELDS: Final = (
    *(name for name in Settings.__struct_fields__ if name not in ("connector_environ", *_LAID_BELOW)),
    *_LAID_BELOW[len(ConnectorSettings.__struct_fields__) :],
    *ConnectorSettings.__struct_fields__,
)


def load(environ: Mapping[str, str]) -> Settings:
    """Read, complete and judge the settings; SettingsInvalid lists everything that is wrong."""
    problems: list[str] = []
    values = _parse(environ, problems)
    known = {variable(name) for name in FIELDS}
    rest = {k: v for k, v in environ.items() if k.startswith(PREFIX) and k not in known}
    problems += _misspelt(rest)
    if problems:
        raise SettingsInvalid(problems)
    settings = _complete(Settings(**values, connector_environ=rest), given=values)
    problems += config_checks.problems(settings)
    if problems:
        raise SettingsInvalid(problems)
    return settings


def with_ports(settings: Settings, **ports: int) -> Settings:
    """The same settings on other ports: addresses that were derived from the old ports follow."""
    followed = {
        name: ""
        for name, port in (("public_url", "port"), ("gateway_url", "gateway_port"), ("sandbox_url", "sandbox_port"))
        if port in ports and getattr(settings, name) == derived(settings)[name]
    }
    if "sandbox_smtp_port" in ports and settings.smtp_url == derived(settings)["smtp_url"]:
        followed["smtp_url"] = ""
    changed = msgspec.structs.replace(settings, **ports, **followed)
    return _complete(changed, given={"log_to": settings.log_to})


def variable(field: str) -> str:
    return PREFIX + field.upper()


def describe(field: str) -> str:
    return next(m.description for m in _metas(HINTS[field]) if m.description)


def is_secret(field: str) -> bool:
    return any(m.extra == SECRET for m in _metas(HINTS[field]))


def _metas(hint: Any) -> list[Meta]:
    return [m for m in typing.get_args(hint)[1:] if isinstance(m, Meta)]


def _parse(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in FIELDS:
        text = environ.get(variable(name), "").strip()
        if not text:
            continue
        try:
            values[name] = _convert(name, text)
        except (msgspec.ValidationError, UnicodeError, RuntimeError):
            said = "" if is_secret(name) else f"; it is {text!r}"
            problems.append(f"{variable(name)} must be {expected(name)}{said}.")
    return values


def _convert(name: str, text: str) -> Any:
    """Also UnicodeError for bytes that are no text, and RuntimeError for the home folder of nobody (`~nobody-such`)."""
    text.encode()
    hint = HINTS[name]
    if typing.get_args(hint)[0] in (Path, Path | None):
        return Path(text).expanduser()
    if name in LISTS:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return msgspec.convert(text, hint, strict=False)


def expected(name: str) -> str:
    """What a field takes, to finish the sentence "it must be …"."""
    base = typing.get_args(HINTS[name])[0]
    if typing.get_origin(base) is Literal:
        return "one of " + ", ".join(typing.get_args(base))
    if base is int:
        low = max((m.ge for m in _metas(HINTS[name]) if m.ge is not None), default=0)
        high = min((m.le for m in _metas(HINTS[name]) if m.le is not None), default=None)
        return f"a whole number from {low}" + (f" to {high}" if high is not None else " up")
    return "text"


def _misspelt(rest: Mapping[str, str]) -> list[str]:
    known = [variable(name) for name in FIELDS]
    close = ((name, difflib.get_close_matches(name, known, n=1, cutoff=0.9)) for name in sorted(rest))
    return [f"{name} is not a setting; did you mean {found[0]}?" for name, found in close if found]


def _complete(settings: Settings, *, given: Mapping[str, Any]) -> Settings:
    settings = msgspec.structs.replace(settings, data_dir=settings.data_dir.absolute())
    wanted = {name: value for name, value in derived(settings).items() if not getattr(settings, name)}
    if not settings.is_play:
        wanted.pop("smtp_url", None)
        if "log_to" not in given:
            wanted["log_to"] = "terminal"
    missing = [name for name in ("jwt_secret", "seal_keys", "couples_webhook_secret") if not getattr(settings, name)]
    if settings.is_play and missing:
        kept = kept_secrets(settings.data_dir)
        wanted |= {name: kept[name] for name in missing}
    return msgspec.structs.replace(settings, **wanted)


def _to_text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
