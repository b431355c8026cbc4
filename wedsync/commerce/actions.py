"""The one write of plans that other nouns ask for; the operator's is in `processes.plans`, the web counts calls."""

from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.db import Tx

queries = sql.load("wedsync.commerce")


async def claim_sms(tx: Tx, *, supplier_id: UUID | None, wedding_id: UUID, is_emergency: bool) -> None:
    """Count one text message, as the system, in the transaction that owes it. `supplier_id` null: the couple's own.

    Raises Refusal 402 where the plan has none left; never for an emergency, nor for a wedding in its window.
    """
    await tx.value(queries.claim_sms, supplier_id, wedding_id, is_emergency)
