"""What hooks of payment providers do: each is read by its connector and brings the payment to where it stands."""

from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID

from wedsync.connections.accounts import opening
from wedsync.connections.charging.contract import Charges, Said
from wedsync.connections.host import Host
from wedsync.connections.incoming import ENTER_PAYMENT, Done, Taker
from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.payments import hearing

queries = sql.load("wedsync.connections.charging")
LEFT: Final = "The account was disconnected at the provider. Connect it again to be paid online."
WAITS: Final = "It is not known yet what this belongs to; it counts as soon as that is."
NOTHING: Final = "Nothing here depends on this."


def takers(host: Host) -> Mapping[str, Taker]:
    """For every connector that charges."""
    return {
        name: partial(_take, charges)
        for name in host.manifests
        if (charges := host.connector(name, Charges)) is not None
    }


async def _take(charges: Charges, tx: Tx, job: Job, row: Row, body: bytes) -> Done:
    try:
        said = charges.read(body)
    except ValueError as error:
        raise Refusal(422, "invalid", "The body is not what this provider sends.") from error
    connector: str = row["connector"]
    if said.state is not None:
        state = said.state
        await hearing.note_account(
            tx,
            connector=connector,
            account=said.account,
            may_charge=state.may_charge,
            may_pay_out=state.may_pay_out,
            at=said.at,
        )
        return Done(type=said.type, status="applied")
    if said.has_left:
        return await _leave(tx, connector, said)
    if not said.movements:
        return Done(type=said.type, status="ignored", why=NOTHING)

    async def enter(payment: UUID) -> UUID | None:
        found: UUID | None = await tx.value(ENTER_PAYMENT, job.id, job.lease_token, payment)
        return found

    hook_id = row["id"]
    moved = await hearing.take(
        tx, said.movements, connector=connector, account=said.account, hook_id=hook_id, enter=enter
    )
    return Done(type=said.type, status="applied", why="" if moved else WAITS, payment=moved)


async def _leave(tx: Tx, connector: str, said: Said) -> Done:
    connection_id = await hearing.end_account(tx, connector=connector, account=said.account)
    state = None if connection_id is None else await tx.value(queries.state, connection_id)
    if connection_id is not None and state in ("active", "degraded", "connecting", "paused"):
        await opening.move(tx, connection_id, state, "needs_reconnect", LEFT)
    return Done(type=said.type, status="applied")
