"""Which events people are told of; the ring and the settings come from the process that runs the reactions."""

from collections.abc import Awaitable, Callable

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import actions, digests, enquiries, facts, keeping, model, telling

TOLD = (*model.TO_LINKS, *model.TO_COUPLE, *model.TO_BOTH, *model.TO_ALL, *model.TO_DOERS)
TAKEN = '$.record.state == "taken" && $.old.state != "taken"'
"""Of how a supplier stands on the day of a wedding, what its couple is told."""
NEW_CONFLICT = '$.op == "INSERT" || $.old.state == "resolved"'
RENAMED = '$.op == "UPDATE" && ($.table == "guest_contacts" || $.record.display_name != $.old.display_name)'
Letter = Callable[[Tx, KeyRing, Settings, Event], Awaitable[None]]
Run = Callable[[Tx, Event], Awaitable[None]]


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """One reaction per kind of letter."""

    def by(letter: Letter) -> Run:
        async def run(tx: Tx, event: Event) -> None:
            await letter(tx, ring, settings, event)

        return run

    return (
        *_telling(ring, settings),
        Reaction(
            name="notices.conflict", types=keeping.OF_CONFLICTS, run=actions.tell_of_conflict, condition=NEW_CONFLICT
        ),
        Reaction(name="notices.acted", types=actions.ACTS, run=actions.note_acted),
        Reaction(name="notices.digest", types=(facts.DIGEST_MADE.type,), run=by(digests.send)),
        Reaction(
            name="notices.answered",
            types=("rsvp.replied",),
            run=by(actions.confirm_answers),
            condition='$.record.responded_by == "guest"',
        ),
        Reaction(name="notices.invite_party", types=("party.invited",), run=by(actions.invite_party)),
        Reaction(name="notices.invite_supplier", types=("link.invited",), run=by(actions.invite_supplier)),
        Reaction(name="notices.invite_colleague", types=("supplier_member.joined",), run=by(actions.invite_colleague)),
        Reaction(name="notices.connection_broken", types=("connection.broken",), run=by(actions.warn_of_connection)),
        Reaction(name="notices.plan", types=model.OF_PLANS, run=actions.tell_of_plan),
        Reaction(name="notices.endpoint_failing", types=("endpoint.failing",), run=by(actions.warn_of_endpoint)),
        Reaction(
            name="notices.endpoint_certificate",
            types=("endpoint.certificate_ending",),
            run=by(actions.warn_of_certificate),
        ),
        Reaction(
            name="notices.endpoint_off",
            types=("endpoint.changed",),
            run=by(actions.warn_of_endpoint),
            condition='$.record.state == "disabled" && $.old.state == "active"',
        ),
        Reaction(
            name="notices.endpoint_blocked",
            types=("endpoint.changed",),
            run=by(actions.warn_of_endpoint),
            condition="$.record.blocked_since != null && $.old.blocked_since == null",
        ),
        *enquiries.reactions(ring, settings),
    )


def _telling(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """The inboxes first, letters afterwards."""

    async def tell(tx: Tx, event: Event) -> telling.Left | None:
        return await telling.tell(tx, settings, event)

    async def write(tx: Tx, event: Event, left: telling.Left) -> None:
        await telling.write(tx, ring, settings, event, left)

    all_others = tuple(kind for kind in TOLD if kind not in (*model.PERSONAL, *model.OF_DAYS))
    told = (
        ("notices.tell", all_others, None),
        ("notices.tell_of_guest", model.PERSONAL, RENAMED),
        ("notices.tell_of_day", model.OF_DAYS, TAKEN),
    )
    return tuple(
        Reaction(name=name, types=types, condition=condition, run=tell, is_prompt=True, afterwards=write)
        for name, types, condition in told
    )
