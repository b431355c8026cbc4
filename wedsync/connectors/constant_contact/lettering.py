"""Letters: Constant Contact has no templates in its API, so each is a draft that the business copies and sends."""

from datetime import datetime
from typing import Any

from wedsync.connections.contract import Outcome, Rejected
from wedsync.connections.marketing.contract import Spent, Template, Written
from wedsync.connectors.constant_contact import mapper
from wedsync.connectors.constant_contact.answers import read
from wedsync.connectors.constant_contact.client import Client

UNCONFIRMED = "No address of this account is confirmed, so no letter can be written. Confirm one at Constant Contact."


async def write(client: Client, template: Template, *, now: datetime) -> Written | Spent | Outcome:
    """Named once: a draft of the same name was made by a try whose answer was lost."""
    timeout_s = template.timeout_s / 4
    senders = read(await client.addresses(timeout_s=timeout_s), list[mapper.Address], now=now)
    if not isinstance(senders, list):
        return senders
    if not senders:
        return Rejected(reason=UNCONFIRMED)
    body = mapper.to_activity(template, sender=senders[0].email_address)
    name = template.title[: mapper.TITLE_MAX]
    id = template.remote_id
    if not id:
        there = read(await client.emails(timeout_s=timeout_s), mapper.Emails, now=now)
        if not isinstance(there, mapper.Emails):
            return there
        id = next((one.campaign_id for one in there.campaigns if one.name == name), "")
    if id:
        return await _changed(client, id, body, timeout_s=timeout_s, now=now)
    exchange = await client.add_email({"name": name, "email_campaign_activities": [body]}, timeout_s=timeout_s)
    made = read(exchange, mapper.Email, now=now, makes=True)
    return Written(id=made.campaign_id) if isinstance(made, mapper.Email) else made


async def _changed(
    client: Client, campaign: str, body: dict[str, Any], *, timeout_s: float, now: datetime
) -> Written | Spent | Outcome:
    held = read(await client.email(campaign, timeout_s=timeout_s), mapper.Email, now=now)
    if not isinstance(held, mapper.Email):
        return held
    if not held.primary:
        return Rejected(reason="The draft at Constant Contact holds no letter any more.")
    exchange = await client.put_email(held.primary, body, timeout_s=timeout_s)
    found = read(exchange, mapper.Changed, now=now)
    return Written(id=campaign) if isinstance(found, mapper.Changed) else found
