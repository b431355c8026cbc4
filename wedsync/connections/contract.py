"""What a connector is to the rest of the house: what it is given, what it may do, and the five words it answers in.

A connector implements the protocols of what its manifest says it `does`. `delivers` (one event or message to one
destination) is the first; pulling, inbound hooks and connecting accounts join as protocols beside it.
The word decides what the delivery engine does next, so it is chosen with care where the provider is spoken to:

* `Delivered`: the other side has it.
* `RetryLater`: it does not, for a reason that passes. Time is the engine's, but never sooner than `after_s`; with
  `tries_max` the reason hardly passes (a 404), so after that many tries the delivery is parked. `is_ours`: it never
  came as far as the other side (our egress proxy is away), so it says nothing about it; `is_unasked`: nor that, for
  what the other side wants to see could not be had (a token). `is_unreachable`: no connection, or no answer in time,
  which whoever else is at that host may find as well.
* `ReconnectNeeded`: nothing will pass until a person mends the connection; its deliveries are parked until then.
* `Rejected`: this one will never be taken. `disable`: the other side wants no more of anything.
* `Unknown`: it may have it. `repeat_is_safe`: sending again cannot make a second thing there.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

DETAIL_MAX_CHARACTERS = 2000


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one try looked like, for the attempt log: no secret, no body of ours. Times in milliseconds.

    `masked` are secrets that the connector had of its own (an access token): the host takes them out of every text, and
    then takes this field away.
    """

    status: int | None = None
    detail: str = ""
    request_headers: Mapping[str, str] = {}
    response_head: str = ""
    address: str = ""
    resolve_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    masked: tuple[str, ...] = ()


class Delivered(msgspec.Struct, frozen=True, kw_only=True, tag="delivered", tag_field="outcome"):
    remote_id: str = ""
    disable: bool = False
    attempt: Attempt = Attempt()


class RetryLater(msgspec.Struct, frozen=True, kw_only=True, tag="retry_later", tag_field="outcome"):
    reason: str
    after_s: float | None = None
    tries_max: int | None = None
    is_ours: bool = False
    is_unasked: bool = False
    is_unreachable: bool = False
    attempt: Attempt = Attempt()


class ReconnectNeeded(msgspec.Struct, frozen=True, kw_only=True, tag="reconnect_needed", tag_field="outcome"):
    reason: str
    attempt: Attempt = Attempt()


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected", tag_field="outcome"):
    reason: str
    disable: bool = False
    attempt: Attempt = Attempt()


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown", tag_field="outcome"):
    reason: str
    repeat_is_safe: bool = False
    attempt: Attempt = Attempt()


Outcome = Delivered | RetryLater | ReconnectNeeded | Rejected | Unknown


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One thing owed to one destination, opened and allowed to leave.

    `id` stays the same on every try. `event` is in live form, images opened for whoever receives it, and `previous_seq`
    the seq this subscription was owed before it. `message` is what a person reads; its keys are the channel's
    (mail: see connections/mailing/letter.py). `as_new` marks a replay that the receiver must not take for a repeat.
    `data` is what a rule made of the event, to be sent in its place; `is_test`: nothing new has happened. `may_leave`
    asks once more, where somebody may have settled the matter while this one was looked up elsewhere.
    """

    id: UUID
    tenant: UUID
    timeout_s: float
    attempt: int = 1
    is_live: bool = False
    as_new: bool = False
    event: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    is_test: bool = False
    previous_seq: int | None = None
    message: Mapping[str, Any] | None = None
    may_leave: Callable[[], Awaitable[bool]] | None = None

    async def is_settled(self) -> bool:
        """Whether nobody wants it any more, since it was allowed to leave."""
        return self.may_leave is not None and not await self.may_leave()


def settled(attempt: Attempt = Attempt()) -> RetryLater:  # noqa: B008 -- a frozen value
    """What was not sent, for somebody has settled its matter meanwhile: the next look at it ends it."""
    return RetryLater(reason="It was settled while it waited here.", is_ours=True, attempt=attempt)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and as whom. `settings` may be shown to people, `secrets` are open only while this object lives."""

    id: UUID
    settings: Mapping[str, Any] = {}
    secrets: Mapping[str, tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"Connection({self.id}, secrets={sorted(self.secrets)})"


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector is made with: the network, machine time, and the operator's settings that its manifest names."""

    wire: Wire
    machine_now: Callable[[], datetime]
    settings: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"Tools(settings={sorted(self.settings)})"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who is connected there. `id` is the provider's own and never changes; `title` is how people know the account."""

    id: str
    title: str

    def __repr__(self) -> str:
        return "Account(…)"


class Connector(Protocol):
    """Every connector's module `connector` has `connect(tools) -> Connector`; it is made once for each process."""

    async def close(self) -> None: ...


@runtime_checkable
class Delivers(Connector, Protocol):
    """Brings one delivery to one destination within `delivery.timeout_s`; raises only for bugs of our own."""

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome: ...


@runtime_checkable
class Connects(Connector, Protocol):
    """Says whose credentials these are: asked at connecting, to refuse an account twice, and as the probe later.

    `connection.secrets` holds what the manifest's way gives: `access_token`; or `username`, `password`, `address`.
    """

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome: ...


@runtime_checkable
class Leaves(Connector, Protocol):
    """Takes our access to an account back in the provider's own way, where revoking a token (RFC 7009) is none."""

    async def leave(self, account: str, *, timeout_s: float) -> Outcome: ...


def word(outcome: Outcome) -> str:
    """The outcome as the attempt log writes it, such as `retry_later`."""
    return str(outcome.__struct_config__.tag)


def attempt_of(exchange: Reply | Failure, *, request_headers: Mapping[str, str] | None = None) -> Attempt:
    """The log entry of one HTTP exchange."""
    timing = exchange.timing
    return Attempt(
        status=exchange.status if isinstance(exchange, Reply) else None,
        detail=exchange.reason if isinstance(exchange, Failure) else "",
        request_headers=request_headers or {},
        response_head=exchange.kept_body if isinstance(exchange, Reply) else "",
        address=timing.address or "",
        resolve_ms=timing.resolve_ms,
        first_byte_ms=timing.first_byte_ms,
        total_ms=timing.total_ms,
    )
