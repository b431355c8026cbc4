"""Joins the delivery engine to the connectors' host: from a leased payload to the host's job, from its word to ours."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections import contract, host
from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.calendars.through import Connected
from wedsync.connections.chatting.sending import Messenger
from wedsync.connections.mailing.chain import NAME as MAIL
from wedsync.connections.mailing.chain import Chain, chain_of
from wedsync.connections.mailing.kept import Kept
from wedsync.connections.marketing.through import Marketers
from wedsync.connections.records.through import Connected as Crms
from wedsync.events.deliver import Sender
from wedsync.events.images import OpenSealed, opener, with_images
from wedsync.events.jobs import Payload, is_passing, queries
from wedsync.events.retry import Exchange, Outcome
from wedsync.kit import clock, traces
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions.rules.shape import shaped

log = structlog.get_logger("senders")
MAIL_POOL: Final = 2
"""Connections by which the chain of mail keeps what it knows of its providers."""
CALLING: Final = "alert."
Still = Callable[[UUID], Awaitable[bool]]


class Opened(msgspec.Struct, frozen=True):
    """What a worker sends and asks by; `chats` are the senders that need its door."""

    senders: Mapping[str, Sender]
    chats: Callable[[Door], Mapping[str, Sender]]
    remote: Connected
    crms: Crms
    marketers: Marketers
    host: host.Host
    chain: Chain


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """The senders of one process and its way to connected accounts, in the loop that uses them."""
    wire = Wire(allow=settings.egress_allow, proxy=settings.egress_proxy)
    ring = KeyRing.from_setting(settings.seal_keys)
    connectors = host.open_host(settings, wire=wire, ring=ring)
    made: dict[int, Accounts] = {}

    def accounts_of(door: Door) -> Accounts:
        """One for the process: calendars, CRMs and lists of one account share the exchange of its token."""
        if id(door) not in made:
            made[id(door)] = Accounts(
                door=door, ring=ring, wire=wire, settings=settings, manifests=connectors.manifests
            )
        return made[id(door)]

    remote = Connected(connectors, accounts_of)
    pool = await connect_pool(settings.door("service"), size=MAIL_POOL, application="wedsync-mail")
    memory = Kept(Door(pool))
    chain = Chain(connectors, chain_of(settings, connectors.manifests), memory, ring=ring)
    await memory.name(chain.names)
    still = still_asked(pool)
    sending = {
        **through(connectors, open_sealed=opener(ring), still=still),
        MAIL: by_mail(chain, open_sealed=opener(ring), still=still),
    }
    given = Opened(
        sending,
        lambda door: to_channels(connectors, accounts_of(door), door, ring),
        remote,
        Crms(connectors, accounts_of),
        Marketers(connectors, accounts_of),
        connectors,
        chain,
    )
    try:
        async with traces.exporting(settings, wire, process="worker"):
            yield given
    finally:
        await pool.close()
        await remote.close()
        await connectors.close()
        await wire.close()


def still_asked(pool: Any) -> Still:
    """Whether a delivery may still leave; a database that is away keeps no emergency back."""

    async def still(delivery: UUID) -> bool:
        try:
            return bool(await pool.fetchval(queries.may_still_leave, delivery))
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("not_asked_again", delivery_id=str(delivery), reason=f"{type(error).__name__}: {error}")
            return True

    return still


def through(connectors: host.Host, *, open_sealed: OpenSealed, still: Still | None = None) -> Mapping[str, Sender]:
    """A sender for every connector that has a manifest."""

    async def send(payload: Payload) -> Outcome:
        return to_outcome(await connectors.send(to_job(payload, open_sealed=open_sealed, still=still)))

    return dict.fromkeys(connectors.manifests, send)


def by_mail(chain: Chain, *, open_sealed: OpenSealed, still: Still | None = None) -> Sender:
    """The sender of mails, through the chain of their providers."""

    async def send(payload: Payload) -> Outcome:
        return to_outcome(await chain.send(to_job(payload, open_sealed=open_sealed, still=still)))

    return send


def to_channels(connectors: host.Host, accounts: Accounts, door: Door, ring: KeyRing) -> Mapping[str, Sender]:
    """A sender for every chat program."""
    messenger = Messenger(host=connectors, accounts=accounts, door=door, ring=ring)

    async def send(payload: Payload) -> Outcome:
        return to_outcome(await messenger.send(payload))

    return {name: send for name, manifest in connectors.manifests.items() if manifest.chats is not None}


def to_job(payload: Payload, *, open_sealed: OpenSealed, still: Still | None = None) -> host.Job:
    """What the host needs; secrets stay sealed until the connector is called. Calls of an alert are asked about once
    more where they took longer than a moment: somebody may have acknowledged it; they have the short time of a wedding
    that is under way, whenever they are made."""
    job = payload.job
    # Images that are sealed at rest are opened here: the database has just judged that this receiver may see them.
    event = None if payload.event is None else with_images(payload.event, open_sealed)
    is_calling = payload.type.startswith(CALLING) and payload.recipient_kind == "person"
    return host.Job(
        connector=job.name,
        delivery_id=job.id,
        tenant=job.tenant_id,
        connection_id=job.destination_id,
        settings={} if payload.url is None else {"url": payload.url},
        secrets=tuple(_secrets(payload)),
        message=None
        if payload.sealed is None
        else host.Sealed(name="message", value=payload.sealed, table="deliveries", column="sealed", row=job.id),
        event=event,
        data=None if event is None or payload.shape is None else shaped(payload.shape, event),
        previous_seq=payload.previous_seq,
        attempt=job.attempt,
        is_live=is_calling or (job.live_until is not None and job.live_until > clock.now()),
        as_new=bool(payload.as_new) or payload.is_test,
        is_test=payload.is_test,
        may_leave=partial(still, job.id) if still is not None and payload.type.startswith(CALLING) else None,
    )


def to_outcome(said: contract.Outcome) -> Outcome:
    """The connector's word, with what the attempt log keeps."""
    exchange = _exchange(said.attempt)
    match said:
        case contract.Delivered(disable=disable):
            return Outcome(word="delivered", disable=disable, exchange=exchange)
        case contract.RetryLater():
            return Outcome(
                word="retry_later",
                reason=said.reason,
                after_s=said.after_s,
                tries_max=said.tries_max,
                is_ours=said.is_ours,
                is_unasked=said.is_unasked,
                is_unreachable=said.is_unreachable,
                exchange=exchange,
            )
        case contract.ReconnectNeeded(reason=reason):
            return Outcome(word="reconnect_needed", reason=reason, exchange=exchange)
        case contract.Rejected(reason=reason, disable=disable):
            return Outcome(word="rejected", reason=reason, disable=disable, exchange=exchange)
        case contract.Unknown(reason=reason, repeat_is_safe=repeat_is_safe):
            return Outcome(word="unknown", reason=reason, repeat_is_safe=repeat_is_safe, exchange=exchange)


def _exchange(tried: contract.Attempt) -> Exchange:
    return Exchange(
        status=tried.status,
        detail=tried.detail,
        response_head=tried.response_head,
        address=tried.address,
        resolve_ms=tried.resolve_ms,
        first_byte_ms=tried.first_byte_ms,
        total_ms=tried.total_ms,
        request_headers=tried.request_headers,
    )


def _secrets(payload: Payload) -> list[host.Sealed]:
    """The endpoint's secret, then the older ones whose overlap is not over; each signs. Then what proves who we are."""
    if payload.secret_sealed is None:
        return []
    now = clock.machine_now()
    olds = msgspec.json.decode(payload.old_secrets or "[]")
    values = [
        payload.secret_sealed,
        *(bytes.fromhex(old["sealed"]) for old in olds if datetime.fromisoformat(old["until"]) > now),
    ]
    row = payload.job.destination_id
    found = [host.Sealed(name="secret", value=v, table="endpoints", column="secret_sealed", row=row) for v in values]
    if payload.credentials_sealed is not None:
        held = payload.credentials_sealed
        found.append(
            host.Sealed(name="credentials", value=held, table="endpoints", column="credentials_sealed", row=row)
        )
    return found
