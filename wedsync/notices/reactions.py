"""Which events people are told of; the ring and the settings come from the process that runs the reactions."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import actions, model


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """One reaction per kind of letter."""

    async def tell(tx: Tx, event: Event) -> None:
        await actions.tell(tx, ring, settings, event)

    async def answered(tx: Tx, event: Event) -> None:
        await actions.confirm_answers(tx, ring, settings, event)

    async def invited(tx: Tx, event: Event) -> None:
        await actions.invite_party(tx, ring, settings, event)

    async def supplier(tx: Tx, event: Event) -> None:
        await actions.invite_supplier(tx, ring, settings, event)

    async def colleague(tx: Tx, event: Event) -> None:
        await actions.invite_colleague(tx, ring, settings, event)

    async def endpoint(tx: Tx, event: Event) -> None:
        await actions.warn_of_endpoint(tx, ring, settings, event)

    async def connection(tx: Tx, event: Event) -> None:
        await actions.warn_of_connection(tx, ring, settings, event)

    return (
        Reaction(name="notices.tell", types=(*model.TO_LINKS, *model.TO_COUPLE, *model.TO_BOTH), run=tell),
        Reaction(
            name="notices.answered",
            types=("rsvp.replied",),
            run=answered,
            condition='$.record.responded_by == "guest"',
        ),
        Reaction(name="notices.invite_party", types=("party.invited",), run=invited),
        Reaction(name="notices.invite_supplier", types=("link.invited",), run=supplier),
        Reaction(name="notices.invite_colleague", types=("supplier_member.joined",), run=colleague),
        Reaction(name="notices.connection_broken", types=("connection.broken",), run=connection),
        Reaction(name="notices.endpoint_failing", types=("endpoint.failing",), run=endpoint),
        Reaction(
            name="notices.endpoint_off",
            types=("endpoint.changed",),
            run=endpoint,
            condition='$.record.state == "disabled" && $.old.state == "active"',
        ),
        Reaction(
            name="notices.endpoint_blocked",
            types=("endpoint.changed",),
            run=endpoint,
            condition="$.record.blocked_since != null && $.old.blocked_since == null",
        ),
    )
