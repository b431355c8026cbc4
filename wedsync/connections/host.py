"""The host of the connectors: opens what was sealed, hands a delivery to its connector, and keeps the log clean.

Connectors never see a key, a queue or another tenant; what they answer is passed on as it is, except that no secret
they were given survives in it. When to try again, how often and in which order is the delivery engine's business.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec

from wedsync.connections import manifest as manifests
from wedsync.connections.calendars.contract import (
    Calendars,
    CursorLost,
    Gone,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteCalendar,
    Renews,
    Watch,
    Watches,
    Watching,
)
from wedsync.connections.contract import (
    DETAIL_MAX_CHARACTERS,
    Account,
    Attempt,
    Connection,
    Connector,
    Connects,
    Delivered,
    Delivers,
    Delivery,
    Leaves,
    Outcome,
    ReconnectNeeded,
    Tools,
    Unknown,
)
from wedsync.connections.manifest import Manifest
from wedsync.kit import clock
from wedsync.kit.http import BODY_KEPT_MAX_BYTES, Wire
from wedsync.kit.seal import KeyRing, SealError

# A connector ends by itself within the time it is given; this much later it is a bug and is cut off.
GRACE_S = 2.0
MASK = "•••"
NOBODY = UUID(int=0)
"""The connection of what the operator set up, which needs none."""
# Shorter values would mask half of every text; nothing that short is a secret worth the name.
MASKED_MIN_CHARACTERS = 6

Protocol_ = TypeVar("Protocol_", bound=Connector)
Answer = TypeVar("Answer")

_WRITTEN_SECRET = re.compile(r"\b(whsec|whsk|wsk)_[A-Za-z0-9+/=_-]{8,}")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_SENSITIVE_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "webhook-signature"})


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed value and the place it was sealed for. `name` is the manifest's and may come several times."""

    name: str
    value: bytes
    table: str
    column: str
    row: UUID

    def __repr__(self) -> str:
        return f"Sealed({self.name!r} of {self.table} {self.row})"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery as the engine hands it over: still sealed. Fields that `contract.Delivery` has mean the same here.

    `secrets` are sealed texts; `message` is sealed JSON. Both were sealed for `tenant`.
    """

    connector: str
    delivery_id: UUID
    tenant: UUID
    connection_id: UUID
    settings: Mapping[str, Any] = {}
    secrets: tuple[Sealed, ...] = ()
    message: Sealed | None = None
    event: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    is_test: bool = False
    previous_seq: int | None = None
    attempt: int = 1
    is_live: bool = False
    as_new: bool = False
    may_leave: Callable[[], Awaitable[bool]] | None = None


class Host:
    """The connectors of one process."""

    def __init__(
        self,
        *,
        connectors: Mapping[str, Connector],
        found: Mapping[str, Manifest],
        ring: KeyRing,
        masked: Sequence[str] = (),
    ) -> None:
        """`masked`: the operator's own secrets, which no log entry may show either."""
        self._connectors = dict(connectors)
        self._judged: dict[tuple[str, type], bool] = {}
        self._manifests = dict(found)
        self._ring = ring
        self._masked = tuple(masked)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        return self._manifests

    async def send(self, job: Job, *, timeout_s: float | None = None) -> Outcome:
        """One try of one delivery. Never raises for what a provider, a tenant or the network does.

        `timeout_s` where it has less time than its manifest gives it.
        """
        connector = self.connector(job.connector, Delivers)
        if connector is None:
            return ReconnectNeeded(reason=f"This installation has no connector {job.connector!r} that delivers.")
        try:
            connection, delivery = self._open(job, timeout_s)
        except SealError as error:
            return ReconnectNeeded(reason=f"A stored secret cannot be opened: {error}")
        began = clock.monotonic()
        try:
            async with asyncio.timeout(delivery.timeout_s + GRACE_S):
                outcome = await connector.deliver(delivery, connection)
        except TimeoutError:
            outcome = Unknown(reason=f"{job.connector} did not end within {delivery.timeout_s + GRACE_S:g} s.")
        took_ms = round((clock.monotonic() - began) * 1000, 3)
        secrets = [secret for several in connection.secrets.values() for secret in several]
        cleaned: Outcome = _cleaned(outcome, [*secrets, *outcome.attempt.masked, *self._masked], took_ms)
        return cleaned

    def connector(self, name: str, protocol: type[Protocol_]) -> Protocol_ | None:
        """The connector of this name, if there is one that does this."""
        found = self._connectors.get(name)
        # Asking a protocol looks for each of its methods: once, not at each delivery.
        can = self._judged.get((name, protocol))
        if can is None:
            can = self._judged[name, protocol] = isinstance(found, protocol)
        return cast("Protocol_", found) if can else None

    async def call(
        self,
        name: str,
        protocol: type[Protocol_],
        act: Callable[[Protocol_], Awaitable[Answer | Outcome]],
        connection: Connection,
        *,
        timeout_s: float,
    ) -> Answer | Outcome:
        """One exchange of an opened account; like `send` it ends in time, and in words without a secret."""
        connector = self.connector(name, protocol)
        if connector is None:
            return ReconnectNeeded(reason=f"This installation has no connector {name!r} that does this.")
        began = clock.monotonic()
        answer: Any
        try:
            async with asyncio.timeout(timeout_s + GRACE_S):
                answer = await act(connector)
        except TimeoutError:
            answer = Unknown(reason=f"{name} did not end within {timeout_s + GRACE_S:g} s.", repeat_is_safe=True)
        if not hasattr(answer, "attempt"):
            return answer  # type: ignore[no-any-return]
        took_ms = round((clock.monotonic() - began) * 1000, 3)
        secrets = [secret for several in connection.secrets.values() for secret in several]
        return _cleaned(answer, [*secrets, *answer.attempt.masked, *self._masked], took_ms)  # type: ignore[no-any-return]

    async def account(self, name: str, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """Who is connected there."""
        return await self.call(
            name, Connects, lambda c: c.account(connection, timeout_s=timeout_s), connection, timeout_s=timeout_s
        )

    async def leave(self, name: str, account: str, connection: Connection, *, timeout_s: float) -> bool:
        """Our access taken back in the provider's own way; False where it has none, or has not confirmed it."""
        said = await self.call(
            name, Leaves, lambda c: c.leave(account, timeout_s=timeout_s), connection, timeout_s=timeout_s
        )
        return isinstance(said, Delivered)

    async def calendars(
        self, name: str, connection: Connection, *, timeout_s: float
    ) -> tuple[RemoteCalendar, ...] | Outcome:
        """The account's calendars."""
        return await self.call(
            name, Calendars, lambda c: c.calendars(connection, timeout_s=timeout_s), connection, timeout_s=timeout_s
        )

    async def pull(self, name: str, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        """What changed there."""
        return await self.call(
            name, Calendars, lambda c: c.pull(pull, connection), connection, timeout_s=pull.timeout_s
        )

    async def push(self, name: str, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """One event written."""
        return await self.call(
            name, Calendars, lambda c: c.push(push, connection), connection, timeout_s=push.timeout_s
        )

    async def watch(
        self, name: str, watch: Watch, connection: Connection, *, held: Watching | None = None
    ) -> Watching | Outcome:
        """Notifications begun; or `held` for longer, where the connector can do that."""
        timeout_s = watch.timeout_s
        if held is not None and self.connector(name, Renews) is not None:
            return await self.call(
                name, Renews, lambda c: c.renew(held, watch, connection), connection, timeout_s=timeout_s
            )
        return await self.call(name, Watches, lambda c: c.watch(watch, connection), connection, timeout_s=timeout_s)

    async def unwatch(
        self, name: str, calendar: str, watching: Watching, connection: Connection, *, timeout_s: float
    ) -> Outcome:
        """Notifications ended."""
        return await self.call(
            name, Watches, lambda c: c.unwatch(calendar, watching, connection), connection, timeout_s=timeout_s
        )

    async def close(self) -> None:
        for connector in self._connectors.values():
            await connector.close()

    def message(self, job: Job) -> dict[str, Any] | None:
        """What a person will read, opened. Raises SealError."""
        if job.message is None:
            return None
        opened: dict[str, Any] = msgspec.json.decode(self._opened(job.message, job.tenant))
        return opened

    def _open(self, job: Job, timeout_s: float | None) -> tuple[Connection, Delivery]:
        secrets: dict[str, tuple[str, ...]] = {}
        for sealed in job.secrets:
            secrets[sealed.name] = (*secrets.get(sealed.name, ()), self._opened(sealed, job.tenant).decode())
        limits = self._manifests[job.connector].limits
        given_s = limits.live_timeout_s if job.is_live else limits.timeout_s
        return (
            Connection(id=job.connection_id, settings=job.settings, secrets=secrets),
            Delivery(
                id=job.delivery_id,
                tenant=job.tenant,
                timeout_s=given_s if timeout_s is None else min(given_s, timeout_s),
                attempt=job.attempt,
                is_live=job.is_live,
                as_new=job.as_new,
                event=job.event,
                data=job.data,
                is_test=job.is_test,
                previous_seq=job.previous_seq,
                message=self.message(job),
                may_leave=job.may_leave,
            ),
        )

    def _opened(self, sealed: Sealed, tenant: UUID) -> bytes:
        return self._ring.open(sealed.value, tenant=tenant, table=sealed.table, column=sealed.column, row=sealed.row)


def open_host(settings: Any, *, wire: Wire, ring: KeyRing | None = None, package: str = manifests.PACKAGE) -> Host:
    """The host with every connector that has a manifest, made in the running event loop.

    `settings` holds `seal_keys`, and what the manifests name as the operator's.
    """
    found = manifests.find(package)
    connectors: dict[str, Connector] = {}
    masked: list[str] = []
    for name, manifest in found.items():
        secrets = {key: manifests.operators(settings, key) for key in manifest.operator_secrets}
        own = {key: manifests.operators(settings, key) for key in manifest.operator_settings} | secrets
        masked += [part for value in secrets.values() for part in _secret_parts(str(value))]
        connect: Callable[[Tools], Connector] = manifests.module(name, "connector", package).connect
        connectors[name] = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=own))
    return Host(
        connectors=connectors, found=found, ring=ring or KeyRing.from_setting(settings.seal_keys), masked=masked
    )


def _secret_parts(value: str) -> list[str]:
    password = urlsplit(value).password if "://" in value else None
    return [value, *([password, unquote(password)] if password else [])]


def _cleaned(outcome: Any, secrets: Sequence[str], took_ms: float) -> Any:
    attempt = outcome.attempt
    headers = {
        name: MASK if name.lower() in _SENSITIVE_HEADERS else _masked(value, secrets)
        for name, value in attempt.request_headers.items()
    }
    clean: Attempt = msgspec.structs.replace(
        attempt,
        detail=_masked(attempt.detail, secrets)[:DETAIL_MAX_CHARACTERS],
        response_head=_masked(attempt.response_head, secrets)[:BODY_KEPT_MAX_BYTES],
        request_headers=headers,
        total_ms=took_ms if attempt.total_ms is None else attempt.total_ms,
        masked=(),
    )
    changes: dict[str, Any] = {"attempt": clean}
    if hasattr(outcome, "reason"):
        changes["reason"] = _masked(outcome.reason, secrets)[:DETAIL_MAX_CHARACTERS]
    return msgspec.structs.replace(outcome, **changes)


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if len(secret) >= MASKED_MIN_CHARACTERS:
            text = text.replace(secret, MASK)
    # Most texts hold neither, and a look is a tenth of a search.
    if "sk_" in text or "sec_" in text:
        text = _WRITTEN_SECRET.sub(MASK, text)
    return _CREDENTIALS_IN_URL.sub(MASK, text) if "@" in text else text
