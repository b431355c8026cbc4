"""Members and templates as Mailchimp takes them: one call for each, and what an earlier try has made is found again."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from wedsync.connections.contract import Outcome, Rejected
from wedsync.connections.marketing.contract import Template, Upsert, Upserted, Written
from wedsync.connectors.mailchimp import mapper
from wedsync.connectors.mailchimp.answers import read
from wedsync.connectors.mailchimp.client import Client
from wedsync.kit.http import Reply

AT_ONCE: Final = 8
"""Of the ten calls that Mailchimp takes of one user at once, all programs together."""
Now = Callable[[], datetime]
Kind = TypeVar("Kind")


async def members(client: Client, upsert: Upsert, *, now: Now) -> Upserted | Outcome:
    """A few at once; a member that Mailchimp does not take is refused by itself."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def put(email: str, body: dict[str, Any]) -> Outcome | None:
        async with slots:
            exchange = await client.put_member(upsert.list_id, email, body, timeout_s=upsert.timeout_s / 2)
        found = read(exchange, mapper.Member, now=now())
        return None if isinstance(found, mapper.Member) else found

    said = await asyncio.gather(*(put(one.email, mapper.to_member(one)) for one in upsert.contacts))
    others = [one for one in said if one is not None and not isinstance(one, Rejected)]
    if others:
        # What was written is written again the same way.
        return others[0]
    refused = {
        contact.email: one.reason
        for contact, one in zip(upsert.contacts, said, strict=True)
        if isinstance(one, Rejected)
    }
    return Upserted(refused=refused)


async def template(client: Client, wanted: Template, *, now: Now) -> Written | Outcome:
    """A new one is looked for by its name first: an earlier try may have made it."""
    timeout_s, name = wanted.timeout_s / 3, mapper.to_title(wanted)
    id = wanted.remote_id
    if not id:
        there = read(await client.templates(timeout_s=timeout_s), mapper.Templates, now=now())
        if not isinstance(there, mapper.Templates):
            return there
        id = next((str(one.id) for one in there.templates if one.name == name), "")
    exchange = await client.put_template(id, name, mapper.to_html(wanted), timeout_s=timeout_s)
    if id and isinstance(exchange, Reply) and exchange.status == 404:
        exchange = await client.put_template("", name, mapper.to_html(wanted), timeout_s=timeout_s)
    found = read(exchange, mapper.NamedNumber, now=now())
    return Written(id=str(found.id)) if isinstance(found, mapper.NamedNumber) else found
