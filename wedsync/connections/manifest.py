"""What a connector says about itself in manifest.toml: from it come its settings page, limits, docs and fake.

Connectors are found by looking for manifests, so no list has to be kept: add a folder and it is there.
"""

import tomllib
from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wedsync.connections.verify.scheme import Name

PACKAGE = "wedsync.connectors"

Status = Literal["verified", "documented, untested live", "needs partner credentials", "import only"]
Ability = Literal[
    "delivers",
    "connects",
    "calendars",
    "watches",
    "records",
    "sends",
    "charges",
    "mails",
    "phones",
    "chats",
    "markets",
    "forecasts",
]
Way = Literal["oauth2", "password", "key", "address", "described"]
CONNECTED_BY = {
    "password": ("username", "password"),
    "key": ("password",),
    "address": ("address",),
    "described": ("description",),
}


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a connection, as its settings page asks for it."""

    name: str
    title: str
    description: str


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine keeps to for each destination. `live_timeout_s` counts while the wedding is live."""

    timeout_s: float
    live_timeout_s: float
    in_flight_max: int
    rate_per_minute: int


class Connect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a person connects an account. The operator's values are named, as fields of the settings, never given.

    `oauth2`: authorization code with PKCE (RFC 6749 4.1, RFC 7636). `password`: username and password, and with
    `asks_address` where the server is. `key`: one key that the provider has made, kept as the password. `address`: one
    address that is itself the secret. `described`: what a business says about an API of its own
    (`connections.records.described`), on a page of its own. `scopes` are what a person, or for another way an
    administrator there, is asked to allow. `client_auth` is where the token endpoint wants the client's own name and
    secret, `scope_separator` what the provider has for the space of RFC 6749 3.3,
    `scopes_setting` the operator's setting of scopes, parted by blanks, where only a partner is told them. `has_pkce`:
    not so where the provider refuses parameters it does not know; what is left is the state, bound to the session.
    `profile` is an OAuth 2 that only partners have: it takes the place of the way above once all its settings are set.
    """

    way: Way
    client_id: str = ""
    client_secret: str = ""
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    scopes: tuple[str, ...] = ()
    scopes_setting: str = ""
    parameters: dict[str, str] = {}
    client_auth: Literal["body", "basic"] = "body"
    scope_separator: Literal[" ", ","] = " "
    asks_address: bool = False
    has_pkce: bool = True
    profile: "Connect | None" = None

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec tells as a ValidationError."""
        if self.way == "oauth2" and not (self.client_id and self.authorize_url and self.token_url):
            raise ValueError("connect: oauth2 needs client_id, authorize_url and token_url.")
        if self.profile is not None and (self.way == "oauth2" or self.profile.way != "oauth2"):
            raise ValueError("connect: a profile is oauth2, in place of another way.")

    def under(self, settings: Any) -> "Connect":
        """The way that holds in this installation."""
        if self.profile is None or any(not operators(settings, name) for name in self.profile.needs):
            return self
        return self.profile

    @property
    def needs(self) -> tuple[str, ...]:
        """The operator's settings that OAuth 2 cannot do without."""
        names = (self.client_id, self.client_secret, self.authorize_url, self.token_url)
        return tuple(name for name in names if name)

    @property
    def asks(self) -> tuple[str, ...]:
        """The fields of its form; for oauth2 none, the provider asks itself."""
        return (*CONNECTED_BY.get(self.way, ()), *(("address",) if self.asks_address else ()))


class Hooks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what the provider sends by itself is verified (`connections.verify`). `told_by` is who tells it where to: we,
    by its API, or a person in its own pages, to whom our address and key are shown.
    """

    scheme: Name
    told_by: Literal["us", "person"] = "us"


class CalendarNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often its calendars are asked while no notification says that something has changed."""

    poll_s: Annotated[int, Meta(ge=30, le=86_400)] = 900


class RecordNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often its records are asked for while no hook says that something has changed. `is_document`: they are
    documents that only a map makes records of."""

    poll_s: Annotated[int, Meta(ge=30, le=86_400)] = 300
    is_document: bool = False


class SendNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often we look whether something is left to be sent; what is new is sent at once."""

    poll_s: Annotated[int, Meta(ge=30, le=86_400)] = 3600


class ChargesNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what the provider sends of all accounts, to one address of the platform's, is verified; `secrets` names the
    operator's setting that holds them, by comma."""

    scheme: Name
    secrets: str


class MailsNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider of the operator's mail. `needs` names the setting without which it is not there.

    With a `scheme` it says by hooks, to one address of the platform's, what became of mails; `secrets` names the
    operator's setting that holds what verifies them, by comma, and `id_header` the header that tells a repeat.
    """

    needs: str
    scheme: Name | None = None
    secrets: str = ""
    id_header: str = ""


class PhonesNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what the provider says of texts and calls is verified; `secrets` names the operator's setting, as above."""

    scheme: Name
    secrets: str


class ChatsNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pressed buttons of all workspaces, sent to one address of the platform's, are verified; `secrets` names the
    operator's setting that holds them, by comma. Without a scheme no button comes back. `is_one`: an account is one
    channel, so it is of one wedding. `posts_by`: the connector an account of which a channel is given once it is made,
    where the program lets nobody post with the account that makes it."""

    scheme: Name | None = None
    secrets: str = ""
    is_one: bool = False
    posts_by: str = ""


class MarketsNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a list is looked at while no hook says that somebody has left. `requests_per_day`: what the provider
    lets all accounts of one application ask together, 0 where that is not limited; `triggers`: whether journeys there
    can be begun for one person."""

    poll_s: Annotated[int, Meta(ge=30, le=86_400)] = 3600
    requests_per_day: Annotated[int, Meta(ge=0)] = 0
    triggers: bool = False


class FakeNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the sandbox shows this connector's fake, and what a visitor finds there.

    `kind` is the heading of its group; what has calendars needs none.
    """

    title: str
    path: str
    description: str
    kind: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    title: str
    summary: str
    status: Status
    does: tuple[Ability, ...]
    limits: Limits
    operator_settings: tuple[str, ...] = ()
    operator_secrets: tuple[str, ...] = ()
    settings: tuple[Value, ...] = ()
    secrets: tuple[Value, ...] = ()
    connect: Connect | None = None
    hooks: Hooks | None = None
    calendars: CalendarNote | None = None
    records: RecordNote | None = None
    sends: SendNote | None = None
    charges: ChargesNote | None = None
    mails: MailsNote | None = None
    phones: PhonesNote | None = None
    chats: ChatsNote | None = None
    markets: MarketsNote | None = None
    fake: FakeNote | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where what it does and what it says of it do not belong together."""
        tables = {
            "connects": "connect",
            "calendars": "calendars",
            "watches": "hooks",
            "records": "records",
            "sends": "sends",
            "charges": "charges",
            "mails": "mails",
            "phones": "phones",
            "chats": "chats",
            "markets": "markets",
        }
        for ability, table in tables.items():
            # What holds records or lists may tell of them by hooks, or only be asked.
            is_free = table == "hooks" and not {"records", "markets"}.isdisjoint(self.does)
            if not is_free and (ability in self.does) != (getattr(self, table) is not None):
                raise ValueError(f"{ability!r} in does and the table [{table}] belong together.")

    @property
    def is_for_couples(self) -> bool:
        """A couple has calendars and talks in channels; records, lists and charges are a business's."""
        return {"records", "sends", "markets", "charges"}.isdisjoint(self.does)

    def missing(self, settings: Any) -> tuple[str, ...]:
        """The operator's settings without which nobody can connect; () where it is configured."""
        if self.connect is None or self.connect.way != "oauth2":
            return ()
        # A provider that publishes no API tells its partners where it is.
        bases = (name for name in self.operator_settings if name.endswith("_base_url"))
        return tuple(name for name in (*self.connect.needs, *bases) if not operators(settings, name))


def operators(settings: Any, name: str) -> Any:
    """What the operator set under this name: a field of the settings, else a variable that only manifests know of."""
    if hasattr(settings, name):
        return getattr(settings, name)
    return settings.connector_environ.get(f"WEDSYNC_{name.upper()}", "")


def find(package: str = PACKAGE) -> dict[str, Manifest]:
    """Every connector's manifest by name. Raises ValueError naming the file that is wrong."""
    found: dict[str, Manifest] = {}
    for folder in sorted(files(package).iterdir(), key=lambda entry: entry.name):
        path = folder / "manifest.toml"
        if not path.is_file():
            continue
        try:
            manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as cause:
            raise ValueError(f"{path}: {cause}") from cause
        if manifest.name != folder.name:
            raise ValueError(f"{path}: the name must be {folder.name!r}, as the folder is called.")
        found[manifest.name] = manifest
    return found


def module(name: str, part: str, package: str = PACKAGE) -> ModuleType:
    """A connector's `connector` or `fake` module: the one place where a connector is imported by name."""
    return import_module(f"{package}.{name}.{part}")
