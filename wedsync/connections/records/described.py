"""What a business says about an API of its own: where it is, how it lets us in, how it lists and gives its records.

A description is data of a tenant's. Each address in it is judged when it is saved, and again at each call by the door
to the network, which goes to no address inside; whatever is in an answer leads to no other host.
"""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from wedsync.connections.records.documents import parts_of
from wedsync.kit.errors import FieldError

CONNECTOR: Final = "custom_api"
SIZE_MAX: Final = 500
Text = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(max_length=80, pattern=r"^[A-Za-z0-9_.\[\]-]*$")]
Address = Annotated[str, Meta(max_length=1000)]
Auth = Literal["none", "header", "query", "bearer", "basic", "oauth2"]
Paging = Literal["none", "page", "offset", "cursor", "link"]


class Described(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An API of records.

    `auth`: `header` and `query` send a key under `auth_name`; `basic` a user and a password; `oauth2` asks `token_url`
    for a token by client credentials. `items` is where the list is in an answer ("" where it is the answer),
    `id` and `modified` where they are in an item.

    `paging`: `page` counts pages from `first_page`, `offset` counts items, `cursor` takes the next one from `next_at`,
    `link` follows `rel="next"` of the Link header. With `since_name` only what changed since is asked for.

    `item_path` gives one record, `{id}` standing for its id, at `item_at` of the answer; without it records are only in
    the list. `write` is how values are changed there: PATCH sends those that differ, PUT the whole record.
    """

    base_url: Address
    list_path: Text = "/"
    auth: Auth = "bearer"
    auth_name: Name = ""
    token_url: Address = ""
    scope: Text = ""
    client_auth: Literal["basic", "body"] = "basic"
    items: Text = ""
    id: Text = "$.id"
    modified: Text = ""
    paging: Paging = "none"
    page_name: Name = "page"
    first_page: Annotated[int, Meta(ge=0, le=1)] = 1
    size_name: Name = ""
    size: Annotated[int, Meta(ge=1, le=SIZE_MAX)] = 100
    next_at: Text = ""
    since_name: Name = ""
    item_path: Text = ""
    item_at: Text = ""
    write: Literal["", "PATCH", "PUT"] = ""

    @property
    def addresses(self) -> dict[str, str]:
        """Every address there is in it, by its field."""
        found = {"base_url": self.base_url, "token_url": self.token_url if self.auth == "oauth2" else ""}
        return {name: url for name, url in found.items() if url}

    @property
    def may_write(self) -> bool:
        return bool(self.write and self.item_path)

    @property
    def holder(self) -> tuple[str, str, str]:
        """To whom credentials are given and how: they are kept only for these."""
        return origin(self.base_url), self.auth, origin(self.token_url) if self.auth == "oauth2" else ""


def origin(url: str) -> str:
    """Scheme, host and port."""
    split = urlsplit(url)
    return f"{split.scheme.lower()}://{split.netloc.lower()}"


def faults(api: Described) -> list[FieldError]:
    """What of it cannot work."""
    missing = {
        "auth_name": (api.auth in ("header", "query"), "Say what the key is called, such as x-api-key."),
        "token_url": (api.auth == "oauth2", "Say where tokens are given."),
        "id": (True, "Say where the id of an item is, such as $.id."),
        "next_at": (api.paging == "cursor", "Say where an answer names what comes next, such as $.next_cursor."),
        "page_name": (api.paging in ("page", "offset", "cursor"), "Say what the parameter of pages is called."),
        "item_path": (bool(api.write), "What is written needs the address of one record, such as /jobs/{id}."),
        "modified": (bool(api.since_name), "Say where an item tells when it changed, such as $.updated_at."),
    }
    found = [
        FieldError(name, "is missing", fix)
        for name, (is_needed, fix) in missing.items()
        if is_needed and not getattr(api, name)
    ]
    for name in ("list_path", "item_path"):
        if not _is_path(getattr(api, name)):
            found.append(FieldError(name, "is not a path of the API", "Write it like /jobs, without the host."))
    for name in PLACES:
        if getattr(api, name) and parts_of(getattr(api, name)) is None:
            found.append(FieldError(name, "is not one place in an answer", "Write it like $.data.items."))
    if api.item_path and "{id}" not in api.item_path:
        found.append(FieldError("item_path", "does not say where the id goes", "Write it like /jobs/{id}."))
    return found


PLACES: Final = ("items", "id", "modified", "next_at", "item_at")


def _is_path(path: str) -> bool:
    is_odd = path.startswith("//") or any(one in path for one in ("#", "..", " ", "\\")) or not path.isprintable()
    return not path or (path.startswith("/") and not is_odd)
