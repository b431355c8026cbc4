"""The headers and the authentication of an endpoint between what is typed and what is sealed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, structs

from wedsync.kit import clock, credentials, guard
from wedsync.kit.credentials import Credentials, NewAuth, Shown
from wedsync.kit.db import Row
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions import model

COLUMN: Final = "credentials_sealed"
NONE: Final = NewAuth(kind="none")


def new(headers: Mapping[str, str], auth: NewAuth, *, allow: Sequence[str]) -> tuple[Shown, Credentials]:
    """What is shown and what is to be sealed of a new endpoint's. Raises Refusal 422."""
    return _checked(headers, auth, Credentials(), allow=allow)


def changed(
    ring: KeyRing, endpoint_id: UUID, row: Row, fields: Mapping[str, Any], *, allow: Sequence[str]
) -> tuple[list[str] | None, str | None, bytes | None]:
    """The columns header_names, auth and credentials_sealed after a change; thrice None where they stay.

    `row` has tenant_id, url and credentials_sealed as they were. Raises Refusal 422.
    """
    tenant = row["tenant_id"]
    held = opened(ring, tenant, endpoint_id, row[COLUMN])
    url = fields.get("url", row["url"])
    if not model.is_same_place(url, row["url"]):
        held = _left_behind(held, fields)
    if "headers" not in fields and "auth" not in fields:
        if held.kind == "mtls":
            model.needs_https(url, Shown(kind="mtls"))
        return None, None, None
    headers = fields.get("headers", dict.fromkeys(held.headers))
    seen, now = _checked(headers, fields.get("auth", _again(held)), held, allow=allow)
    model.needs_https(url, seen)
    return list(now.headers), as_json(seen), seal(ring, tenant, endpoint_id, now)


def _left_behind(held: Credentials, fields: Mapping[str, Any]) -> Credentials:
    """Whoever may change an endpoint may not read its secrets by sending them to a place of their own."""
    if held.kind != "none" and "auth" not in fields:
        raise model.elsewhere("auth")
    if held.headers and "headers" not in fields:
        raise model.elsewhere("headers")
    return Credentials()


def _again(held: Credentials) -> NewAuth:
    return msgspec.convert({"kind": held.kind, **held.typed}, type=NewAuth)


def _checked(
    headers: Mapping[str, str | None], auth: NewAuth, held: Credentials, *, allow: Sequence[str]
) -> tuple[Shown, Credentials]:
    own = credentials.checked_headers(headers, held.headers)
    networks = guard.parse_networks(allow)
    seen, fields = credentials.checked_auth(auth, held, now=clock.machine_now(), allow=networks)
    if auth.kind == "api_key" and fields["header"].lower() in own:
        raise credentials.twice(fields["header"])
    return seen, Credentials(kind=auth.kind, auth=fields, headers=own)


def seal(ring: KeyRing, tenant: UUID, endpoint_id: UUID, held: Credentials) -> bytes | None:
    """Bound to its endpoint; None where there is nothing to keep."""
    if held.kind == "none" and not held.headers:
        return None
    text = credentials.to_text(held).encode()
    return ring.seal(text, tenant=tenant, table="endpoints", column=COLUMN, row=endpoint_id)


def opened(ring: KeyRing, tenant: UUID, endpoint_id: UUID, sealed: bytes | None) -> Credentials:
    """What is held."""
    if sealed is None:
        return Credentials()
    text = ring.open(sealed, tenant=tenant, table="endpoints", column=COLUMN, row=endpoint_id)
    return credentials.from_text(text.decode())


def shown(row: Row) -> Shown:
    """Of a row of endpoints."""
    return msgspec.json.decode(row["auth"], type=Shown)


def as_json(seen: Shown) -> str:
    return msgspec.json.encode(seen).decode()


def urls(data: msgspec.Struct) -> list[tuple[str, str]]:
    """(field, address) of everything in a request that we would call."""
    given = {name: value for name, value in structs.asdict(data).items() if value is not UNSET}
    auth: NewAuth = given.get("auth", NONE)
    found = [("url", given["url"])] if "url" in given else []
    return [*found, *([("auth.token_url", auth.token_url)] if auth.kind == "oauth2" and auth.token_url else [])]
