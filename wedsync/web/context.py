"""What every handler is given: the doors, the key ring, the settings; made once per web process."""

from datetime import datetime
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.params import Parameter
from litestar.types import Scope

from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Guard, Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.http import Wire
from wedsync.kit.limits import Limits
from wedsync.kit.seal import KeyRing
from wedsync.kit.watch import Watch

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
V = TypeVar("V", bound="Versioned")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """`door` is the user door; its publisher wakes the gateway and the workers after each commit.

    `limits` are shared by all processes where a Valkey is set; without one they are this process's own. `wire` judges
    the addresses that tenants type; without it that is left to the moment they are called. `watch` takes what goes to
    the access log and the security events.
    """

    settings: Settings
    door: Door
    ring: KeyRing
    limits: Limits = msgspec.field(default_factory=lambda: Limits(None))
    wire: Wire | None = None
    watch: Watch = msgspec.field(default_factory=Watch)


class Page(msgspec.Struct, frozen=True):
    """A page of a list; `next` goes back in as `?cursor=`, null at the end."""

    items: list[msgspec.Struct]
    next: str | None = None


def provide_ctx(state: State, scope: Scope) -> Context:
    """Dependency `ctx`; a request under an Idempotency-Key is given a door that claims it (`web.repeats`)."""
    ctx: Context = state.ctx
    once: Guard | None = scope["state"].get("once")
    return ctx if once is None else msgspec.structs.replace(ctx, door=ctx.door.guarded(once))


def provide_actor(request: Request[object, object, State], ctx: Context) -> Actor:
    """Dependency `actor`: who the authentication middleware found. Anonymous has no standing in any tenant.

    It asks for `ctx` so that the two make a chain: for independent ones Litestar opens a task group per request.
    """
    actor: Actor = request.scope["state"]["actor"]
    return actor


def as_struct(kind: type[S], row: Row) -> S:
    """A row whose columns are the struct's fields (extra columns are left out)."""
    return msgspec.convert(dict(row), type=kind, from_attributes=False, builtin_types=(UUID, datetime))


IfMatch = Annotated[
    str | None, Parameter(header="If-Match", description="The ETag you read; a newer version refuses with 412.")
]


def person_of(actor: Actor) -> UUID:
    """Raises Refusal 401 for anybody who is not signed in."""
    if actor.id is None:
        raise Refusal(401, "sign_in_required", "Sign in first, or send a bearer token.")
    return actor.id


def etag(version: int) -> dict[str, str]:
    """The header that goes with a versioned row."""
    return {"ETag": f'"{version}"'}


class Versioned(Protocol):
    """A row that counts its changes."""

    @property
    def version(self) -> int: ...


def versioned(found: V | None, *, status: int = 200) -> Response[V]:
    """One row as an answer with its ETag. Raises Refusal 404 where there is none."""
    if found is None:
        raise not_found("item")
    return Response(found, status_code=status, headers=etag(found.version))


def expected_version(if_match: str | None) -> int | None:
    """The version a client changes from; None when it does not say. Raises Refusal 400."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refusal(400, "bad_if_match", 'If-Match must be the ETag of the row you read, such as "3".')
    return int(text)


async def stale(tx: Tx, current: str, *values: object) -> Refusal:
    """Why an update with a version touched nothing: it is gone (404) or somebody was quicker (412)."""
    row = await tx.row(current, *values)
    if row is None:
        return not_found("item")
    image = msgspec.json.decode(row["record"])
    return Refusal(
        412,
        "changed_meanwhile",
        "Somebody else changed this after you read it. Look at the current version and change it again.",
        headers=etag(image.get("version", 0)),
        extra={"current": image, "version": image.get("version")},
    )


def invalid(field: str, reason: str, fix: str = "") -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


def time_cursor(at: datetime, id: UUID) -> str:
    """The place after a row in a list that is newest first."""
    return f"{at.isoformat()}~{id}"


def from_time_cursor(text: str, *, field: str = "cursor") -> tuple[datetime | None, UUID | None]:
    """The row a page goes on after; nothing for the first page. Raises Refusal 422."""
    if not text:
        return None, None
    try:
        at, _, last = text.partition("~")
        return datetime.fromisoformat(at), UUID(last)
    except ValueError as error:
        raise invalid(field, "is not a place in this list", "Start without it.") from error
